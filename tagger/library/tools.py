"""What the use cases of a library work with; ``app`` builds it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tagger.judgement.vocabulary import Tree
from tagger.library.judge import Judge
from tagger.library.marking import Ask
from tagger.library.marking import Rule as MarkerRule
from tagger.pipeline import Pipeline
from tagger.ports import Host, Library, Progress, Store


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Tools:
    """``tree`` says under which tag new ones are made; ``take_in`` moves what hooks noted into the store's queue;
    ``marking`` is the rule for markers, ``ask`` Stash itself for those that were made (None: no markers)."""

    library: Library
    store: Store
    pipeline: Pipeline
    judge: Judge
    host: Host
    progress: Progress
    tree: Tree = field(default_factory=Tree)
    take_in: Callable[[], None] = _nothing
    clock: Callable[[], float] = time.monotonic
    marking: MarkerRule | None = None
    ask: Ask | None = None
