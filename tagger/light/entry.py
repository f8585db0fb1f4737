"""What ``ai_tagger.py`` was started for: a hook of Stash, one of its tasks, or a command in a terminal."""

from __future__ import annotations

import json
import os
import sys

from tagger.errors import TaggerError
from tagger.light.data import DATA_VARIABLE, data_folder
from tagger.light.log import StashLog, TerminalLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PAGE_MODES = (
    "ask",
    "asked",
    "item",
    "pictures",
    "marks",
    "overview",
    "waiting",
    "review",
    "answer",
    "withdraw",
    "make-markers",
    "take-markers-back",
    "highlights",
    "looks",
    "estimate",
    "labels",
    "faces",
)
"""What pages ask; ``tagger.pages.door`` answers."""

HELP = """AI Tagger looks at videos and pictures and writes what is in them as tags.

  ai_tagger.py demo [DIR]     try it: look at the pictures and videos in DIR, or at some that it draws
  ai_tagger.py setup          make the private environment, get the starter models
  ai_tagger.py check          what works, what doesn't, what to do
  ai_tagger.py look PATH…     what it sees in these files; writes no tags
  ai_tagger.py try            about 50 items of the library; writes nothing
  ai_tagger.py tag            tag the library
  ai_tagger.py status         what was done, what waits
  ai_tagger.py undo           take the last run's tags back
  ai_tagger.py models         list, fetch, remove and check models

--stash URL or --folder DIR names the library. `ai_tagger.py COMMAND --help` has the rest; the first command makes a
private environment in the data folder (--data DIR, or AI_TAGGER_DATA), and says first what it downloads.
"""


def main(arguments: list[str], payload: bytes, root: str) -> int:
    """The exit code, where this process isn't replaced. ``payload``: what Stash wrote to stdin; empty in a terminal."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # Before onnxruntime is loaded anywhere; see tagger.engines.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc else keeps free memory for each thread: 40 MB of a run.
    if payload:
        return _plugin(payload, root)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(HELP)
        return 0
    try:
        return _terminal(arguments, root)
    except TaggerError as e:
        TerminalLog().error(str(e))
        return 2
    except KeyboardInterrupt:
        return 130


def _terminal(arguments: list[str], root: str) -> int:
    from tagger.light import bootstrap, handover

    log = TerminalLog()
    helps = not {"-h", "--help"}.isdisjoint(arguments)
    data = _data(arguments, log) if not helps else data_folder(option(arguments, "--data"))
    if arguments[0] == "check" and not helps and not bootstrap.usable_python(data, root):
        for line in bootstrap.setup_status(data, root):
            sys.stdout.write(line + "\n")
        return 2
    remake = arguments[0] == "setup" and not helps
    python = bootstrap.ensure(data, root, log, device=option(arguments, "--device"), remake=remake)
    return handover.hand_over(python, root, arguments, None)


def _data(arguments: list[str], log: TerminalLog) -> str:
    """Where a person said; else, with ``--stash``, where that Stash's plugin has it; else this user's own."""
    chosen = option(arguments, "--data")
    data = data_folder(chosen)
    url = option(arguments, "--stash")
    if url and not chosen and not os.environ.get(DATA_VARIABLE):
        from tagger.light.beside_stash import plugins_data

        data = plugins_data(url, option(arguments, "--api-key-file"), arguments, data, log)
        os.environ[DATA_VARIABLE] = data  # For the heavy half, which doesn't ask again.
    return data


def option(arguments: list[str], name: str) -> str:
    """The value of ``--name VALUE`` or ``--name=VALUE``, or "". The heavy half parses arguments properly, later."""
    for i, argument in enumerate(arguments):
        if argument == name and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith(name + "="):
            return argument[len(name) + 1 :]
    return ""


def _plugin(payload: bytes, root: str) -> int:
    try:
        given = json.loads(payload)
        server, args = given["server_connection"], given.get("args") or {}
        stash_dir = str(server["Dir"])
    except (ValueError, TypeError, LookupError):
        # Not quoted: it may hold the session.
        return _answer(error="AI Tagger's input isn't Stash's: start it as a plugin of Stash, or in a terminal.")
    data = data_folder(stash_dir=stash_dir)
    if "hookContext" in args:
        return _hook(data, server, args["hookContext"])
    try:
        if args.get("mode") in PAGE_MODES:
            return _page(args, server, data, root)
        return _task(payload, args, server, data, root)
    except TaggerError as e:
        return _answer(error=str(e))


def _hook(data: str, server: dict[str, Any], context: dict[str, Any]) -> int:
    from tagger.light import hook

    try:
        if hook.is_set_up(data):
            hook.note(data, server, context)
    except (TaggerError, OSError) as e:
        # The item is not lost: "Tag library" finds what no hook noted.
        StashLog().warn(f"A new item couldn't be queued ({e}): run 'Tag new media' or 'Tag library' later.")
    return _answer(output="ok")


def _page(args: dict[str, Any], server: dict[str, Any], data: str, root: str) -> int:
    """Somebody looks at a page and waits: answered here, whatever else goes on. A failure is the page's to show."""
    from tagger.pages.door import answer

    try:
        output = {"output": answer(args, server, data, root)}
    except TaggerError as e:
        output = {"output": {"problem": str(e)}}
    sys.stdout.write(json.dumps(output, separators=(",", ":")))
    return 0


def _task(payload: bytes, args: dict[str, Any], server: dict[str, Any], data: str, root: str) -> int:
    from tagger.light import bootstrap, handover

    mode, log = args.get("mode"), StashLog()
    if mode == "check" and not bootstrap.usable_python(data, root):
        lines = bootstrap.setup_status(data, root)
        log.say("\n".join(lines))
        return _answer(output="\n".join(lines))
    device = bootstrap.device_setting(server, data) if mode == "setup" else ""
    python = bootstrap.ensure(data, root, log, device=device, remake=mode == "setup")
    return handover.hand_over(python, root, [handover.PLUGIN_ARGUMENT], payload)


def _answer(output: str = "", error: str = "") -> int:
    """What Stash reads when we end. An error is logged too: Stash shows a job that failed as finished."""
    if error:
        StashLog().error(error)
    sys.stdout.write(json.dumps({"error": error} if error else {"output": output}))
    return 2 if error else 0
