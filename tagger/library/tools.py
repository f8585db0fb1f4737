"""What the use cases of a library work with; ``app`` builds it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tagger.library.judge import Judge
from tagger.pipeline import Pipeline
from tagger.ports import Host, Library, Progress, Store


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Tools:
    """``parent_tag`` is the tag under which new ones are made ("" = none); ``take_in`` moves what hooks noted into the
    store's queue."""

    library: Library
    store: Store
    pipeline: Pipeline
    judge: Judge
    host: Host
    progress: Progress
    parent_tag: str = ""
    take_in: Callable[[], None] = _nothing
    clock: Callable[[], float] = time.monotonic
