"""What the cosine of two faces says of whether they are one person's: an embedder's two distributions, and the budget.

Two normal distributions per embedder: cosines of pairs of one person (genuine) and of two persons (impostor). Known
people are compared by templates, means of several examples; both distributions follow from the pairs':

* to a template of n examples the genuine mean rises to ``m · √(n / (1 + (n − 1) · m))`` (two examples of a person are
  themselves about ``m`` alike); the deviation stays, since a face's own oddness (a beard, a turn) never averages out;
* a stranger's cosine to any unit vector stays what it is.

With N templates the nearest stranger is the highest of N draws: P(max > s) ≈ N · P(one > s), for the small
probabilities that matter. So both the probability and the threshold depend on how many people are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

_LEAST = 1e-300
_NORMAL = NormalDist()


class _Spread(Protocol):
    @property
    def mean(self) -> float: ...
    @property
    def deviation(self) -> float: ...


class IdentityData(Protocol):
    """What :meth:`Likeness.of` reads: ``identity`` of an embedder's yaml."""

    @property
    def genuine(self) -> _Spread: ...
    @property
    def impostor(self) -> _Spread: ...
    @property
    def blur(self) -> float: ...
    @property
    def prior(self) -> float: ...
    @property
    def false_accepts(self) -> float: ...
    @property
    def margin(self) -> float: ...
    @property
    def twins(self) -> float: ...
    @property
    def least_quality(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Likeness:
    """One embedder's cosines. Defaults are cautious ones for an embedder that nobody fitted (``fitted`` False).

    ``blur``: impostor deviation grows by this share as a face's quality falls from 1 to 0. ``prior``: how often a face
    belongs to a known person. ``false_accepts``: share of strangers' faces that may be applied, however many are
    known. ``margin``: cosine by which the runner-up must be farther. ``twins``: templates of two people nearer than
    this can't be told apart. ``least_quality``: below it nothing is sure, and a face starts no group.
    """

    genuine_mean: float = 0.60
    genuine_deviation: float = 0.13
    impostor_mean: float = 0.03
    impostor_deviation: float = 0.12
    blur: float = 0.2
    prior: float = 0.5
    false_accepts: float = 0.001
    margin: float = 0.10
    twins: float = 0.50
    least_quality: float = 0.30
    fitted: bool = False

    @classmethod
    def of(cls, data: IdentityData | None) -> Likeness:
        """From an embedder's ``identity`` (None: the cautious defaults)."""
        if data is None:
            return cls()
        return cls(
            data.genuine.mean,
            data.genuine.deviation,
            data.impostor.mean,
            data.impostor.deviation,
            data.blur,
            data.prior,
            data.false_accepts,
            data.margin,
            data.twins,
            data.least_quality,
            fitted=True,
        )

    def stranger(self, cosine: float, quality: float = 1.0) -> float:
        """How often a stranger's face of this quality is at least this near to one template."""
        z = (cosine - self.impostor_mean) / self._impostor(quality)
        return max(_LEAST, 0.5 * math.erfc(z / math.sqrt(2)))

    def same(self, cosine: float, examples: int = 1) -> float:
        """How often the right person is at most this near to a template of so many examples."""
        mean = self.expected(examples)
        return max(_LEAST, 0.5 * math.erfc((mean - cosine) / self.genuine_deviation / math.sqrt(2)))

    def expected(self, examples: int = 1) -> float:
        """Mean cosine of a face to the right person's template of so many examples."""
        mean = self.genuine_mean
        return mean * math.sqrt(examples / (1 + (examples - 1) * mean))

    def odds(self, cosine: float, examples: int, quality: float) -> float:
        """How much better "this person" explains the cosine than "a stranger" does."""
        return self.same(cosine, examples) / self.stranger(cosine, quality)

    def threshold(self, templates: int, quality: float = 1.0, budget: float = 0.0) -> float:
        """The cosine that the nearest of so many strangers exceeds with the chance ``budget`` (0: false_accepts)."""
        tail = (budget or self.false_accepts) / max(1, templates)
        return self.impostor_mean - self._impostor(quality) * _NORMAL.inv_cdf(max(_LEAST, min(0.5, tail)))

    def _impostor(self, quality: float) -> float:
        return self.impostor_deviation * (1 + self.blur * (1 - min(1.0, max(0.0, quality))))
