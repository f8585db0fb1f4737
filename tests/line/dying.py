"""A program for tests: does operations on a Stash, and dies right after a given one of their committed steps.

Reads one JSON object a line from stdin, ``{"url", "data", "mode", "die_after"}`` (0 = lives on), does it in a process
of its own, forked so that the imports are paid once, and writes ``{"code"}`` to stdout. What it replaces goes through
seams: pixels come from :class:`FakeMedia`, and counting stand-ins lie around the store and the library.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tagger.app import App
from tagger.errors import MediaError, TaggerError
from tagger.light.connection import from_url
from tagger.media.fake import FakeMedia
from tagger.operations import OPERATIONS, Wish
from tagger.types import Frame, MediaItem

DIED = 9
LIVED = 0
REFUSED = 2
STORE_STEPS = (
    "begin_run checkpoint end_run record settle mark reopen note_created_tag note_deleted_tag enqueue dequeue forget"
    " remember"
)
LIBRARY_STEPS = "create_tag delete_unused_tag add_tags remove_tags"


class Steps:
    """Counts what is committed, and ends the process after the last one that it may do."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.done = 0

    def around(self, target: Any, names: str) -> Any:
        return _Counting(target, frozenset(names.split()), self)


class _Counting:
    def __init__(self, target: Any, names: frozenset[str], steps: Steps) -> None:
        self._target, self._names, self._steps = target, names, steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if name not in self._names:
            return method

        def step(*args: Any, **named: Any) -> Any:
            result = method(*args, **named)
            self._steps.done += 1
            if self._steps.done == self._steps.last:
                os._exit(DIED)
            return result

        return step


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def at(self, done: int, total: int) -> None: ...


def pixels(item: MediaItem) -> Sequence[Frame]:
    bgr = cv2.imread(item.path)
    if bgr is None:
        raise MediaError("It is no picture.")
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8)
    return [Frame(rgb, 0.0, rgb.shape[1], rgb.shape[0])]


def operate(url: str, data: str, mode: str, die_after: int) -> int:
    steps = Steps(die_after)
    app = App(Path(__file__).parents[2], Path(data), Silent(), from_url(url), environment={})
    app.__dict__["media"] = FakeMedia(pixels)
    app.__dict__["library"] = steps.around(app.library, LIBRARY_STEPS)
    app.__dict__["store"] = steps.around(app.store, STORE_STEPS)
    try:
        OPERATIONS[mode](app, Wish())
    except TaggerError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return LIVED


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                code = operate(**asked)
            finally:
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(json.dumps({"code": code}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
