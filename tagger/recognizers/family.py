"""What the families of models have in common: what they say of themselves, and frames in batches to one engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tagger.errors import ModelError
from tagger.recognizers.feed import Feed

if TYPE_CHECKING:
    from tagger.catalogue import ModelSpec
    from tagger.ports import Engine
    from tagger.types import Finding, Frame


class Family(ABC):
    """A recognizer that a spec describes. Implements :class:`tagger.ports.Recognizer`."""

    def __init__(self, spec: ModelSpec, batch: int) -> None:
        self.model = spec.model
        self.feature = spec.feature
        self.looks_at = spec.looks_at
        self.batch = batch

    @abstractmethod
    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """What is in each frame, best score first."""


class Labelling(Family):
    """A family of one engine, whose outputs are scores of ``labels``; ``_look`` is the family's own part."""

    def __init__(self, spec: ModelSpec, labels: Sequence[str], engine: Engine, batch: int) -> None:
        super().__init__(spec, batch)
        self._labels = labels
        self._engine = engine
        self._feed = Feed(spec.input)
        self._input = spec.input.name

    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """Labels of each frame, best score first."""
        found: list[tuple[Finding, ...]] = []
        for start in range(0, len(frames), self.batch):
            found += self._look(frames[start : start + self.batch])
        return found

    def _must_name(self, classes: int) -> None:
        """Raises ModelError where the output has another number of classes: names would slip, or say nothing."""
        if classes != len(self._labels):
            raise ModelError(
                f"Model {self.model}: the output has {classes} classes, labels names {len(self._labels)}: name each "
                'of them, in the order of the output ("" for one that means nothing).'
            )

    @abstractmethod
    def _look(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """At no more than ``batch`` frames."""
