"""Classifier families: one distribution over classes (softmax), and one independent score a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.errors import ModelError
from tagger.recognizers.feed import Feed
from tagger.types import Finding, Frame, Label

if TYPE_CHECKING:
    import numpy.typing as npt

    from tagger.catalogue import ClassifierSpec, MultiLabelSpec
    from tagger.ports import Engine

LEAST_SCORE = 0.05


def sigmoid(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """1 / (1 + e^-x), in the logits' own precision; large negative ones end at 0 without a warning."""
    scores: npt.NDArray[np.float32] = np.float32(1) / (np.float32(1) + np.exp(-np.maximum(logits, np.float32(-80))))
    return scores


def probabilities(scores: npt.NDArray[np.float32], model: str) -> npt.NDArray[np.float32]:
    """``scores``, which must lie in 0..1. Raises ModelError when they don't: the yaml says the wrong thing of them."""
    if scores.size and (scores.max() > 1.01 or scores.min() < -0.01):
        found = f"{scores.min():.1f} .. {scores.max():.1f}"
        raise ModelError(f"Model {model}: its scores are {found}, not 0 .. 1: its yaml needs scores: logits.")
    return scores


class Classifier:
    """What the classifier families share; ``_kept`` is the family's own part."""

    def __init__(
        self, spec: ClassifierSpec | MultiLabelSpec, labels: Sequence[str], engine: Engine, batch: int
    ) -> None:
        self.model = spec.model
        self.feature = spec.feature
        self.looks_at = spec.looks_at
        self.batch = batch
        self._labels = labels
        self._engine = engine
        self._feed = Feed(spec.input)
        self._input = spec.input.name
        self._output = spec.outputs.scores
        self._from_logits = spec.scores == "logits"

    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """Labels of each frame, best score first."""
        found: list[tuple[Finding, ...]] = []
        for start in range(0, len(frames), self.batch):
            fed, _ = self._feed(frames[start : start + self.batch])
            outputs = self._engine.infer({self._input: fed})
            raw: Any = outputs[self._output] if self._output else next(iter(outputs.values()))
            rows = np.asarray(raw, np.float32).reshape(len(fed), -1)
            found += [self._named(row) for row in self._scores(rows)]
        return found

    def _named(self, row: npt.NDArray[np.float32]) -> tuple[Finding, ...]:
        return tuple(
            Label(self._labels[index], min(1.0, float(row[index])))
            for index in self._kept(row).tolist()
            if index < len(self._labels) and self._labels[index]
        )

    def _scores(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        raise NotImplementedError

    def _kept(self, row: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        raise NotImplementedError


class SoftmaxClassifier(Classifier):
    """One distribution. The best ``top`` classes are kept, far below .05, so that a group's sum can be taken later."""

    def __init__(self, spec: ClassifierSpec, labels: Sequence[str], engine: Engine, batch: int) -> None:
        super().__init__(spec, labels, engine, batch)
        self._top, self._at_least = spec.top, spec.at_least

    def _scores(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if not self._from_logits:
            return probabilities(rows, self.model)
        powers = np.exp(rows - rows.max(axis=1, keepdims=True))
        shares: npt.NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def _kept(self, row: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        best = np.argsort(-row, kind="stable")[: self._top]
        return best[row[best] >= self._at_least]


class MultiLabelClassifier(Classifier):
    """A score a label. Stored from .05, and from half the label's threshold: thousands of labels are mostly noise."""

    def __init__(
        self, spec: MultiLabelSpec, labels: Sequence[str], thresholds: dict[str, float], engine: Engine, batch: int
    ) -> None:
        super().__init__(spec, labels, engine, batch)
        limits = [thresholds.get(label, 0.5) / 2 for label in labels]
        self._least = np.maximum(np.array(limits, np.float32), LEAST_SCORE)

    def _scores(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return sigmoid(rows) if self._from_logits else probabilities(rows, self.model)

    def _kept(self, row: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        within = min(len(row), len(self._least))
        likely = np.nonzero(row[:within] >= self._least[:within])[0]
        return likely[np.argsort(-row[likely], kind="stable")]
