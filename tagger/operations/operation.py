"""What all operations have in common: their arguments, their answer, and how to be the only worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tagger.app import App
from tagger.library.progress import words
from tagger.library.told import at_work
from tagger.store.lock import holder, worker_lock

DONE, SOME_FAILED, COULD_NOT_RUN = 0, 1, 2
_WAIT_FOR_WORKER_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation has to say: ``lines`` for a person, ``data`` for a program, and the exit code."""

    lines: Sequence[str]
    data: Mapping[str, Any] = field(default_factory=dict)
    code: int = DONE


@dataclass(frozen=True, slots=True)
class Wish:
    """The arguments of all operations; each takes those that it knows. ``names`` and ``paths`` are what stands without
    an option; the rest are options of the same name."""

    dry_run: bool = False
    run: int | None = None
    limit: int = 50
    again: bool = False
    forget_gone: bool = False
    action: str = "list"
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tag: str = ""
    feature: str = ""
    model: str = ""
    item: str = ""
    since: str = ""
    until: str = ""
    all: bool = False
    everything: bool = False
    yes: bool = False
    out: str = ""
    format: str = "json"
    beside_media: bool = False
    create: bool = False
    everybody: bool = False
    people: str = ""
    box: str = ""
    time_s: float = 0.0
    least: int = 0


Operation: TypeAlias = Callable[[App, Wish], Answer]
"""A row of the table; what it takes in a terminal, and its help: ``light/arguments.py``."""


@contextmanager
def as_worker(app: App, operation: str) -> Iterator[None]:
    """Be the only worker, if need be after a wait that is said. Raises BusyError."""
    if who := holder(app.data):
        seconds = words(_WAIT_FOR_WORKER_S)
        app.progress.say(f"{who.purpose} is at work in the same data folder: waiting up to {seconds} for its end.")
    with worker_lock(app.data, at_work(operation), _WAIT_FOR_WORKER_S):
        yield
