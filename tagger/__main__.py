"""Where the environment's Python starts: the heavy half, for Stash or for a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Exit code: 0 done, 1 some items failed, 2 could not run."""
    from tagger.light.handover import PLUGIN_ARGUMENT

    if arguments == [PLUGIN_ARGUMENT]:
        from tagger.plugin import main as serve_stash

        return serve_stash(sys.stdin.buffer.read(), ROOT)
    from tagger.cli import main as serve_terminal

    return serve_terminal(arguments)


if __name__ == "__main__":  # Decoding processes import this module again.
    sys.path.insert(0, str(ROOT))  # Under -I Python doesn't look beside the script.
    sys.exit(main(sys.argv[1:]))
