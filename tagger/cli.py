"""The door for a terminal: a progress bar, results, exit codes. What it takes: ``light/arguments.py``."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from tagger.app import App
from tagger.errors import ConfigError, TaggerError, unforeseen
from tagger.folder import item_at
from tagger.light.arguments import parse
from tagger.light.connection import find_api_key, from_url
from tagger.light.data import data_folder
from tagger.operations import COULD_NOT_RUN, OPERATIONS, SOME_FAILED, Wish, look_json

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
    options = parse(argv)
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


def _operate(app: App, options: Namespace) -> int:
    said = vars(options)
    wish = Wish(**{field.name: said[field.name] for field in fields(Wish) if field.name in said})
    if app.folder is not None:
        item, *names = (_item(app.folder, name) for name in (wish.item, *wish.names))
        wish = replace(wish, item=item, names=tuple(names))
    if options.command == "look" and options.json:
        failed = False
        for seen in look_json(app, wish):
            failed |= seen["error"] is not None
            sys.stdout.write(json.dumps(seen, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        return SOME_FAILED if failed else 0
    answer = OPERATIONS[options.command](app, wish)
    if options.json:
        sys.stdout.write(json.dumps(answer.data, ensure_ascii=False, default=str) + "\n")
    else:
        sys.stdout.write("\n".join(answer.lines) + "\n")
    return answer.code


def _item(folder: Path, name: str) -> str:
    """A file of the folder as the item that it is; whatever else is named stays as it is."""
    ref = item_at(folder, name)
    return f"{ref.kind}:{ref.id}" if ref else name


def _app(options: Namespace, progress: TerminalProgress) -> App:
    arguments: dict[str, Any] = {}
    for said in options.set:
        key, equals, value = said.partition("=")
        if not equals:
            raise ConfigError(f"--set {said} has no '=': write --set thresholds.apply=0.95.")
        try:
            arguments[key.strip()] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):
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
        owns_process=True,
    )
