"""Classifier families: one distribution over classes (softmax), and one independent score a label."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.errors import ModelError
from tagger.recognizers.family import Labelling
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


class Classifier(Labelling):
    """What the classifier families share; what its scores mean, and which are kept, is each one's own part."""

    def __init__(
        self, spec: ClassifierSpec | MultiLabelSpec, labels: Sequence[str], engine: Engine, batch: int
    ) -> None:
        super().__init__(spec, labels, engine, batch)
        self._output = spec.outputs.scores
        self._from_logits = spec.scores == "logits"

    def _look(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        fed, _ = self._feed(frames)
        outputs = self._engine.infer({self._input: fed})
        raw: Any = outputs[self._output] if self._output else next(iter(outputs.values()))
        rows = np.asarray(raw, np.float32).reshape(len(fed), -1)
        self._must_name(rows.shape[1])
        return [self._named(row) for row in self._scores(rows)]

    def _named(self, row: npt.NDArray[np.float32]) -> tuple[Finding, ...]:
        return tuple(
            Label(self._labels[index], min(1.0, float(row[index])))
            for index in self._kept(row).tolist()
            if self._labels[index]
        )

    @abstractmethod
    def _scores(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scores from 0 to 1, of raw ones (frames, labels)."""

    @abstractmethod
    def _kept(self, row: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """The labels of a frame that are worth storing, best first, as indices."""


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
        likely = np.nonzero(row >= self._least)[0]
        return likely[np.argsort(-row[likely], kind="stable")]
