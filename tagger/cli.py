"""The door for a terminal: commands and options, a progress bar, exit codes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tagger.app import App
from tagger.errors import ConfigError, TaggerError, unforeseen
from tagger.light.connection import API_KEY_VARIABLE, find_api_key, from_url
from tagger.light.data import DATA_VARIABLE, data_folder
from tagger.measuring import EXPORT_FORMATS
from tagger.operations import COULD_NOT_RUN, OPERATIONS, SOME_FAILED, Wish, look_json
from tagger.peopling import ACTIONS as PEOPLE_ACTIONS
from tagger.saying import AUDIT_ACTIONS, HAPPENED_ACTIONS, REVIEW_ACTIONS

_BAR = 30


class TerminalProgress:
    """Lines on stderr, and a bar where stderr is a terminal; stdout belongs to results."""

    def __init__(self) -> None:
        self._bar = sys.stderr.isatty()
        self._shown = ""

    def say(self, text: str) -> None:
        self._clear()
        sys.stderr.write(text + "\n")
        sys.stderr.write(self._shown)
        sys.stderr.flush()

    def warn(self, text: str) -> None:
        self.say(text)

    def at(self, done: int, total: int) -> None:
        if not self._bar or total <= 0:
            return
        share = min(1.0, done / total)
        filled = round(share * _BAR)
        self._clear()
        self._shown = f"[{'#' * filled}{'.' * (_BAR - filled)}] {share:4.0%}  {done:,} of {total:,}"
        if share >= 1.0:
            self._shown = ""
        sys.stderr.write(self._shown)
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * len(self._shown) + "\r")


def main(argv: Sequence[str]) -> int:
    """The exit code: 0 done, 1 some items failed, 2 could not run."""
    options = _parser().parse_args(argv)
    progress = TerminalProgress()
    try:
        app = _app(options, progress)
        try:
            return _operate(app, options)
        finally:
            app.close()
    except TaggerError as error:
        return _could_not_run(progress, str(error), options.json)
    except BrokenPipeError:
        # Whoever read our results has enough (`| head`); Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        progress.say("Stopped. What was done is kept; the same command goes on from there.")
        return 130
    except Exception as error:  # noqa: BLE001
        return _could_not_run(progress, unforeseen(error), options.json)


def _could_not_run(progress: TerminalProgress, why: str, as_json: bool) -> int:
    progress.say(why)
    if as_json:
        sys.stdout.write(json.dumps({"error": why}, ensure_ascii=False) + "\n")
    return COULD_NOT_RUN


def _operate(app: App, options: argparse.Namespace) -> int:
    wish = Wish(
        dry_run=getattr(options, "dry_run", False),
        run=getattr(options, "run", None),
        limit=getattr(options, "limit", 50),
        again=getattr(options, "again", False),
        forget_gone=getattr(options, "forget_gone", False),
        action=getattr(options, "action", "list"),
        names=tuple(getattr(options, "names", ())),
        paths=tuple(getattr(options, "paths", ())),
        **{name: getattr(options, name) for name in _OPTIONS if hasattr(options, name)},
    )
    if options.command == "look" and options.json:
        failed = False
        for seen in look_json(app, wish):
            failed |= seen["error"] is not None
            sys.stdout.write(json.dumps(seen, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        return SOME_FAILED if failed else 0
    answer = OPERATIONS[options.command].run(app, wish)
    if options.json:
        sys.stdout.write(json.dumps(answer.data, ensure_ascii=False, default=str) + "\n")
    else:
        sys.stdout.write("\n".join(answer.lines) + "\n")
    return answer.code


def _app(options: argparse.Namespace, progress: TerminalProgress) -> App:
    arguments: dict[str, Any] = {}
    for said in options.set:
        key, equals, value = said.partition("=")
        if not equals:
            raise ConfigError(f"--set {said} has no '=': write --set thresholds.apply=0.95.")
        try:
            arguments[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"--set {said} can't be read: put the value in quotes, as YAML wants it.") from None
    if options.mirror:
        arguments["models.mirror"] = options.mirror
    if options.device:
        arguments["engine.device"] = options.device
    if options.stash and options.folder:
        raise ConfigError("Give either --stash or --folder: a run is about one library.")
    folder = Path(options.folder) if options.folder else None
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"--folder {folder} isn't a folder: give one with pictures or videos.")
    return App(
        root=Path(__file__).resolve().parent.parent,
        data=Path(data_folder(options.data)),
        progress=progress,
        connection=from_url(options.stash, find_api_key(options.api_key_file)) if options.stash else None,
        folder=folder,
        arguments=arguments,
    )


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", default="", metavar="DIR", help=f"our data folder (or {DATA_VARIABLE})")
    common.add_argument("--mirror", default="", metavar="DIR|URL", help="where models are taken from")
    common.add_argument("--stash", default="", metavar="URL", help="such as http://localhost:9999")
    common.add_argument(
        "--api-key-file", default="", metavar="FILE", help=f"holds Stash's API key (or give it in {API_KEY_VARIABLE})"
    )
    common.add_argument("--folder", default="", metavar="DIR", help="a plain folder instead of Stash")
    common.add_argument("--device", default="", help="auto, cpu, cuda, openvino, directml, coreml")
    common.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any setting, for this call")
    common.add_argument("--json", action="store_true", help="results as JSON on stdout")
    parser = argparse.ArgumentParser(prog="ai_tagger.py", description="Looks at media and writes what is in them.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = {
        name: commands.add_parser(name, parents=[common], help=entry.help, description=entry.help)
        for name, entry in OPERATIONS.items()
    }
    for name in ("tag", "new", "undo"):
        made[name].add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    made["undo"].add_argument("--run", type=int, metavar="N", help="this run instead of the last one")
    made["tag"].add_argument("--again", action="store_true", help="try those once more that failed twice")
    made["tag"].add_argument("--forget-gone", action="store_true", help="forget what is gone, even if it is much")
    for name in ("try", "status"):
        made[name].add_argument("--limit", type=int, default=50 if name == "try" else 20, metavar="N", help="how many")
    made["look"].add_argument("paths", nargs="+", metavar="PATH")
    made["demo"].add_argument("paths", nargs="?", metavar="DIR", default=[], action=_One)
    made["markers"].add_argument("action", nargs="?", default="list", choices=("list", "make", "take-back"))
    made["markers"].add_argument("names", nargs="*", metavar="TAG")
    made["models"].add_argument("action", nargs="?", default="list", choices=("list", "fetch", "remove", "check"))
    made["models"].add_argument("names", nargs="*", metavar="NAME")
    _add_saying(made)
    _add_people(made)
    return parser


_OPTIONS = (
    "out",
    "format",
    "beside_media",
    "tag",
    "feature",
    "model",
    "item",
    "since",
    "until",
    "all",
    "everything",
    "yes",
    "create",
    "everybody",
    "people",
    "box",
    "time_s",
    "least",
)


def _add_saying(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """The arguments of what persons say, and of taking back."""
    actions = {"review": REVIEW_ACTIONS, "audit": AUDIT_ACTIONS, "happened": HAPPENED_ACTIONS}
    for name, choices in actions.items():
        made[name].add_argument("action", nargs="?", default="list", choices=choices)
    for name in ("review", "audit"):
        made[name].add_argument("names", nargs="*", metavar="ITEM|TAG", help="such as image:12 Dog")
        made[name].add_argument("--limit", type=int, default=20, metavar="N", help="how many are listed")
        made[name].add_argument("--tag", default="", metavar="NAME", help="of this tag only")
        made[name].add_argument("--feature", default="", metavar="NAME", help="of this feature only")
    made["review"].add_argument("--all", action="store_true", help="all that waits (with --tag or --feature: of that)")
    for name in ("promise", "leave", "again"):
        made[name].add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    made["leave"].add_argument("--yes", action="store_true", help="do it")
    made["again"].add_argument("--yes", action="store_true", help="even if much of ours is taken back")
    made["why"].add_argument("--item", default="", metavar="KIND:ID", help="such as image:12")
    made["why"].add_argument("--tag", default="", metavar="NAME", help="such as Dog")
    undo = made["undo"]
    undo.add_argument("--tag", default="", metavar="NAME", help="of this tag")
    undo.add_argument("--model", default="", metavar="NAME", help="of this model, with its revision or any")
    undo.add_argument("--item", default="", metavar="KIND:ID", help="of this item, such as image:12")
    undo.add_argument(
        "--since", default="", type=_moment, metavar="TIME", help="written at this time (2026-01-31, UTC) or later"
    )
    undo.add_argument("--until", default="", type=_moment, metavar="TIME", help="written before this time")
    undo.add_argument("--everything", action="store_true", help="all that is ours")
    made["evaluate"].add_argument(
        "paths", nargs="*", metavar="TRUTH", help="a COCO .json or a .csv; none: your own tags"
    )
    made["evaluate"].add_argument("--out", default="", metavar="DIR", help="where the page and the figures are put")
    made["export"].add_argument("paths", nargs="*", metavar="FILE|DIR", help="where to")
    made["export"].add_argument("--as", dest="format", default="json", choices=EXPORT_FORMATS, help="what is written")
    made["export"].add_argument(
        "--beside-media", action="store_true", help="XMP sidecars beside your media files, in your own folders"
    )
    made["import"].add_argument("paths", nargs=1, metavar="FILE", help="an export")


def _add_people(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """The arguments of people."""
    people = made["people"]
    people.add_argument("action", nargs="?", default="list", choices=tuple(PEOPLE_ACTIONS))
    people.add_argument("names", nargs="*", metavar="WHAT|NAME|DIR", help="such as group:5 Ada, or face:12")
    people.add_argument("--create", action="store_true", help="make performers that there are not")
    people.add_argument("--everybody", action="store_true", help="forget: all people and all faces")
    people.add_argument("--box", default="", metavar="X0,Y0,X1,Y1", help="add: where the face is, in fractions")
    people.add_argument("--time", dest="time_s", type=float, default=0.0, metavar="S", help="add: when, in a video")
    people.add_argument("--least", type=int, default=0, metavar="N", help="groups: of so many faces on")
    people.add_argument("--dry-run", action="store_true", help="split, reembed: say what would be done")
    made["look"].add_argument("--people", default="", metavar="DIR", help="a folder for each person who is known")


def _moment(text: str) -> str:
    """A date or a point in time, as ISO-8601 writes it; "" for none."""
    try:
        _ = text and datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2026-01-31 or 2026-01-31T18:00:00Z") from None
    return text


class _One(argparse.Action):
    """A single optional PATH as the list that operations take."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        del parser, option_string
        setattr(namespace, self.dest, [values] if isinstance(values, str) else list(values))
