"""The door that Stash opens: one JSON object on stdin, one on stdout, log lines and progress on stderr."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.errors import ConfigError, TaggerError, unforeseen
from tagger.light.connection import find_api_key, from_server_connection
from tagger.light.data import data_folder
from tagger.light.log import StashLog

if TYPE_CHECKING:
    from tagger.operations.operation import Wish


def main(payload: bytes, root: Path) -> int:
    """Do the operation that ``args.mode`` names. Stash shows a job as finished even when it ends with an error, so an
    error is said in the log too."""
    progress = StashLog()
    try:
        given = json.loads(payload)
        args = dict(given.get("args") or {})
        progress = StashLog(quiet=_is_question(args))
        output = _operate(given["server_connection"], args, root, progress)
    except TaggerError as error:
        progress.error(str(error))
        return _answer({"error": str(error)}, 2)
    except Exception as error:  # noqa: BLE001
        text = unforeseen(error)
        progress.error(text)
        return _answer({"error": text}, 2)
    return _answer(output, 0)


def _operate(server: dict[str, Any], args: dict[str, Any], root: Path, progress: StashLog) -> dict[str, Any]:
    from tagger.app import App
    from tagger.operations import OPERATIONS

    mode = str(args.get("mode", ""))
    operation = OPERATIONS.get(mode)
    if operation is None:
        raise TaggerError(f"There is no task {mode!r}; there are: {', '.join(OPERATIONS)}.")
    connection = from_server_connection(server)
    api_key = find_api_key()
    data = Path(data_folder(stash_dir=connection.dir))
    if api_key:
        connection = connection.with_api_key(api_key)
    app = App(root, data, progress, connection, is_plugin=True, owns_process=True)
    try:
        answer = operation(app, _wish(args))
    finally:
        app.close()
    for line in answer.lines:
        progress.say(line)
    return {"output": {"lines": list(answer.lines), **answer.data}}


def _is_question(args: dict[str, Any]) -> bool:
    """Whether a page asks and shows the answer. The task of that name says in its arguments that it is to be said."""
    mode = args.get("mode")
    if mode in ("again", "people"):
        return bool(args.get("dryRun"))
    return mode in ("check", "models") and str(args.get("action") or "list") == "list"


def _wish(args: dict[str, Any]) -> Wish:
    """What a task's arguments ask for; the terminal has them all."""
    from tagger.operations.operation import Wish

    return Wish(
        run=int(args["run"]) if args.get("run") else None,
        action=str(args.get("action") or "list"),
        names=tuple(str(name) for name in args.get("names") or ()),
        create=bool(args.get("create")),
        box=str(args.get("box") or ""),
        time_s=_seconds(args.get("timeS") or 0),
        dry_run=bool(args.get("dryRun")),
        yes=bool(args.get("yes")),
    )


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and value >= 0:
        return float(value)
    raise ConfigError(f"timeS can't be {value!r}: it is a number of seconds.")


def _answer(output: dict[str, Any], code: int) -> int:
    sys.stdout.write(json.dumps(output, default=str))
    sys.stdout.flush()
    return code
