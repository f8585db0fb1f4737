"""What ``ai_tagger.py`` was started for: a hook of Stash, one of its tasks, or a command in a terminal."""

from __future__ import annotations

import os
import sys

from tagger.errors import TaggerError, unforeseen
from tagger.light.data import DATA_VARIABLE, data_folder
from tagger.light.log import StashLog, TerminalLog
from tagger.light.quick import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
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
    "tried",
)
"""What pages ask; ``tagger.pages.door`` answers."""


def main(arguments: list[str], payload: bytes, root: str) -> int:
    """The exit code, where this process isn't replaced. ``payload``: what Stash wrote to stdin; empty in a terminal."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # Before onnxruntime is loaded anywhere; see tagger.engines.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc else keeps free memory for each thread: 40 MB of a run.
    if payload:
        return _plugin(payload, root)
    try:
        return _terminal(arguments, root)
    except TaggerError as e:
        TerminalLog().error(str(e))
        return 2
    except KeyboardInterrupt:
        return 130


def _terminal(arguments: list[str], root: str) -> int:
    from tagger.light.arguments import overview, parse

    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview())
        return 0
    options = parse(arguments)
    from tagger.light import bootstrap, handover
    from tagger.light.usable import usable_python

    log = TerminalLog()
    data = data_folder(options.data)
    if options.stash and not options.data and not os.environ.get(DATA_VARIABLE):
        from tagger.light.beside_stash import plugins_data

        data = plugins_data(options.stash, options.api_key_file, options.set, data, log)
        os.environ[DATA_VARIABLE] = data  # For the heavy half, which doesn't ask again.
    if options.command == "check" and not usable_python(data, root):
        for line in bootstrap.setup_status(data, root):
            sys.stdout.write(line + "\n")
        return 2
    if _asks_what_was_done(options) and bootstrap.nothing_was_done(data, root):
        return _nothing_was_done(data, options.json)
    python = bootstrap.ensure(data, root, log, device=options.device, remake=options.command == "setup")
    return handover.hand_over(python, root, arguments, None)


_QUESTIONS = ("status", "why", "undo", "leave", "again", "promise", "export")
_LISTS = ("review", "audit", "happened", "markers", "people")


def _asks_what_was_done(options: Namespace) -> bool:
    """Whether it is about what was done before, and nothing else."""
    return options.command in _QUESTIONS or (options.command in _LISTS and options.action == "list")


def _nothing_was_done(data: str, as_json: bool) -> int:
    """A question is no reason to download what answers it."""
    import json

    said = (
        f"Nothing was done in {data} yet: begin with 'demo', or 'setup' and 'try', or name another data folder with "
        f"--data or {DATA_VARIABLE}."
    )
    TerminalLog().error(said)
    if as_json:
        sys.stdout.write(json.dumps({"error": said}, ensure_ascii=False) + "\n")
    return 2


def _plugin(payload: bytes, root: str) -> int:
    try:
        given = loads(payload.decode())
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
    except Exception as e:  # noqa: BLE001
        StashLog().warn(unforeseen(e))
    sys.stdout.write('{"output":"ok"}')
    return 0


def _page(args: dict[str, Any], server: dict[str, Any], data: str, root: str) -> int:
    """Somebody looks at a page and waits: answered here, whatever else goes on. A failure is the page's to show."""
    import gc
    import json

    gc.disable()  # The process is over before there is much to collect: a tenth of the wait.

    from tagger.pages.door import answer

    try:
        output = {"output": answer(args, server, data, root)}
    except TaggerError as e:
        output = {"output": {"problem": str(e)}}
    except Exception as e:  # noqa: BLE001
        output = {"output": {"problem": unforeseen(e)}}
        StashLog().error(unforeseen(e))
    sys.stdout.write(json.dumps(output, separators=(",", ":")))
    sys.stdout.flush()
    os._exit(0)  # All is closed and written: taking apart what was imported is another tenth.


def _task(payload: bytes, args: dict[str, Any], server: dict[str, Any], data: str, root: str) -> int:
    from tagger.light import bootstrap, handover
    from tagger.light.usable import usable_python

    mode, log = args.get("mode"), StashLog()
    if mode == "check" and not usable_python(data, root):
        lines = bootstrap.setup_status(data, root)
        log.say("\n".join(lines))
        return _answer(output="\n".join(lines))
    device = bootstrap.device_setting(server, data) if mode == "setup" else ""
    python = bootstrap.ensure(data, root, log, device=device, remake=mode == "setup")
    return handover.hand_over(python, root, [handover.PLUGIN_ARGUMENT], payload)


def _answer(output: str = "", error: str = "") -> int:
    """What Stash reads when we end. An error is logged too: Stash shows a job that failed as finished."""
    import json

    if error:
        StashLog().error(error)
    sys.stdout.write(json.dumps({"error": error} if error else {"output": output}))
    return 2 if error else 0
