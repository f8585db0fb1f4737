"""Raw scores → probabilities: logistic curves, juries of several models, roll-ups, and frames of a video.

Pure functions over small frozen values; standard library only, because deciding again must not need a model.

A model's raw score of a label in a picture becomes "the label is in the picture" by a logistic curve on the score's
logit (Platt scaling), fitted on pictures with ground truth. A jury is one such curve over the scores of several models
at once, which is surer than any one of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tagger.types import Box, Label

FLOOR = 0.02  # a model that looked and did not find is taken to have said this, since scores below .05 are not stored
_CEILING = 0.999
UNFITTED_AT_MOST = 0.89
_SAME_BOX_IOU = 0.6


def logit(score: float) -> float:
    """Log-odds of a score, which is clipped to ``FLOOR`` .. .999."""
    clipped = min(_CEILING, max(FLOOR, score))
    return math.log(clipped / (1.0 - clipped))


def logistic(x: float) -> float:
    """The probability with log-odds ``x``."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else 1.0 - 1.0 / (1.0 + math.exp(x))


@dataclass(frozen=True, slots=True)
class Curve:
    """probability = logistic(intercept + slope · logit(score)); slope is positive."""

    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, score: float) -> float:
        """Log-odds that a label with this raw score is in the picture."""
        return self.intercept + self.slope * logit(score)


@dataclass(frozen=True, slots=True)
class Context:
    """How much else in the frame shifts the log-odds of a detector's label; all 0 = the best box's score alone.

    ``crowd``: further boxes of the label (several weak ones count for more than one). ``rival``: another label on the
    same box, which speaks against. ``area``: the log of the box's side (of two equal scores the smaller box is surer).
    """

    crowd: float = 0.0
    rival: float = 0.0
    area: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one model's scores mean: one curve for all labels, and own ones (``curves``) where there was enough to fit.

    ``known`` are the labels (and groups) the model can say; empty = unknown, then only what it says counts.
    ``trusted`` is False for a curve that nobody fitted (thresholds that came with the weights, raw scores).
    ``context`` is how a frame's boxes become one score (:func:`frame_scores`), which the curves are about.
    ``exact`` scores are probabilities already (built-in recognizers): they are taken as they are.
    """

    curve: Curve = Curve()
    context: Context = Context()
    curves: Mapping[str, Curve] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    trusted: bool = True
    exact: bool = False

    def log_odds(self, score: float, label: str) -> float:
        """Log-odds that ``label``, raw ``score``, is in the picture."""
        if self.exact:
            clipped = min(1.0 - 1e-6, max(1e-6, score))
            return math.log(clipped / (1.0 - clipped))
        return self.curves.get(label, self.curve).log_odds(score)


@dataclass(frozen=True, slots=True)
class Jury:
    """Several models (``"name@revision"`` → weight of its score's logit) judging together.

    probability = logistic(intercept + Σ weight · logit(score)). It sits only when all its models
    looked and know the label; a member that did not find counts as ``FLOOR``.
    """

    weights: Mapping[str, float]
    intercept: float

    def log_odds(self, scores: Mapping[str, float]) -> float:
        """Log-odds that a label is in the picture whose scores these are, by model."""
        said = sum(weight * logit(scores.get(model, 0.0)) for model, weight in self.weights.items())
        return self.intercept + said


@dataclass(frozen=True, slots=True)
class Calibrations:
    """All that turns raw scores into probabilities: by model (``"name@revision"``), and the juries."""

    models: Mapping[str, Calibration] = field(default_factory=dict)
    juries: tuple[Jury, ...] = ()


def frame_scores(findings: Sequence[Label], calibration: Calibration | None) -> dict[str, float]:
    """One score a label, 0..1, from what one model found in one frame: its best, shifted by the fitted context.

    This is what :func:`over_frames` and :func:`probability` take. Labels without a box keep their best score.
    """
    by_label: dict[str, list[Label]] = {}
    for finding in findings:
        by_label.setdefault(finding.name, []).append(finding)
    context = calibration.context if calibration else Context()
    if context == Context():
        return {label: max(found.score for found in mine) for label, mine in by_label.items()}
    best_first = sorted(findings, key=lambda found: -found.score)
    return {label: _in_context(mine, best_first, context) for label, mine in by_label.items()}


def _in_context(mine: Sequence[Label], best_first: Sequence[Label], context: Context) -> float:
    best = max(mine, key=lambda found: found.score)
    if best.box is None:
        return best.score
    crowd, rival, area = context_terms(best, mine, best_first)
    return logistic(logit(best.score) + context.crowd * crowd + context.rival * rival + context.area * area)


def context_terms(best: Label, mine: Sequence[Label], best_first: Sequence[Label]) -> tuple[float, float, float]:
    """The three terms of :class:`Context` for a label's best box: each 0 for a lone box as large as the picture.

    ``mine`` are this label's findings in the frame, ``best_first`` everybody's, by falling score.
    """
    box = best.box
    if box is None:
        return 0.0, 0.0, 0.0
    any_of_them = 1.0 - math.prod(1.0 - found.score for found in mine)
    rivals = (f.score for f in best_first if f.name != best.name and f.box is not None and _same_thing(f.box, box))
    rival = next(rivals, 0.0)
    return logit(any_of_them) - logit(best.score), logit(rival) - logit(0.0), math.log(max(1e-4, box.area)) / 2


def _same_thing(a: Box, b: Box) -> bool:
    """Whether two boxes lie on the same thing."""
    if a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0:
        return False
    shared = (min(a.x1, b.x1) - max(a.x0, b.x0)) * (min(a.y1, b.y1) - max(a.y0, b.y0))
    return shared > _SAME_BOX_IOU * (a.area + b.area - shared)


def probability(scores: Mapping[str, float], label: str, calibrations: Calibrations) -> tuple[float, bool]:
    """The probability that ``label`` is in the picture, and whether it rests on a fitted calibration.

    ``scores`` maps every model that **looked** for this kind of thing (``"name@revision"``) to its raw score, 0.0 where
    it did not find the label: silence of a model that knows the label speaks against it. Models that cannot say the
    label are left out. The largest jury that is complete decides, without one the mean log-odds of the fitted models.
    Models that nobody fitted can raise that to ``UNFITTED_AT_MOST`` and never lower it; an answer that rests on them is
    not calibrated (it reaches review at most).
    """
    heard = {model: score for model, score in scores.items() if score > 0.0 or _knows(model, label, calibrations)}
    judged = [(calibrations.models.get(model, _RAW), score) for model, score in heard.items()]
    fitted = [how.log_odds(score, label) for how, score in judged if how.trusted]
    others = [how.log_odds(score, label) for how, score in judged if not how.trusted]
    juries = [jury for jury in calibrations.juries if set(jury.weights) <= set(heard)]
    if juries:
        fitted = [max(juries, key=lambda jury: len(jury.weights)).log_odds(heard)]
    sure = logistic(sum(fitted) / len(fitted)) if fitted else 0.0
    hint = min(UNFITTED_AT_MOST, logistic(max(others))) if others else 0.0
    return (sure, True) if fitted and sure >= hint else (hint, not others)


_RAW = Calibration(trusted=False)


def _knows(model: str, label: str, calibrations: Calibrations) -> bool:
    how = calibrations.models.get(model)
    return how is not None and label in how.known


def over_frames(scores: Sequence[float], frames: int) -> float:
    """One raw score for a label from a video's frames: the k-th best, k growing with the number of frames looked at.

    ``scores`` are the label's best scores in the frames where it was found; ``frames`` is how many were looked at. The
    best of many frames is no evidence like the best of one: every frame is another chance for a false alarm.
    Calibration was fitted on single pictures, so the rank that keeps its meaning is one that a lone alarm can't reach:
    1 frame the best, 2-5 frames the mean of the best two, from 6 the second best, from 12 the third best.
    """
    ranked = [*sorted(scores, reverse=True), 0.0, 0.0, 0.0]
    if frames <= 1:
        return ranked[0]
    if frames < 6:
        return (ranked[0] + ranked[1]) / 2
    return ranked[1] if frames < 12 else ranked[2]


def roll_up(scores: Mapping[str, float], groups: Mapping[str, frozenset[str]]) -> dict[str, float]:
    """Scores of groups from a classifier's scores in one frame: the sum over a group's members, at most 1.

    Members' probabilities of one softmax exclude each other, so they add up. Groups that nothing speaks for are absent.
    """
    sums = {group: sum(scores.get(member, 0.0) for member in members) for group, members in groups.items()}
    return {group: min(1.0, total) for group, total in sums.items() if total > 0.0}
