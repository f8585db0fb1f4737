"""Short processes that are asked something."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


def ask(command: Sequence[str], timeout_s: float = 600.0) -> tuple[int, str, str]:
    """Run it without input: exit code, stdout, stderr. A program that isn't there, or that hangs, has the code -1."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "", "it doesn't answer"
    except OSError as e:
        return -1, "", e.strerror or str(e)
    return done.returncode, done.stdout, done.stderr
