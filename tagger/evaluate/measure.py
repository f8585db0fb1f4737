"""Precision, recall, coverage, calibration and confusions from decisions and what is true. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tagger.judgement.vocabulary import singular
from tagger.types import Decision, Verdict

LEVELS: tuple[Verdict, ...] = ("apply", "review", "keep")
BINS = 10
LEAST = 0.30
_WORST = 12
_RANK: dict[Verdict, int] = {"apply": 3, "review": 2, "keep": 1, "drop": 0}


@dataclass(frozen=True, slots=True)
class Case:
    """One item: what was decided, and the names that are true of it. ``fingerprint`` finds its picture."""

    name: str
    fingerprint: str
    decisions: tuple[Decision, ...]
    true: frozenset[str]


@dataclass(frozen=True, slots=True)
class Level:
    """Of all that got this verdict or a surer one: ``right`` of ``said``; ``found`` of ``true``; ``covered`` items."""

    verdict: Verdict
    said: int
    right: int
    true: int
    items: int
    covered: int

    @property
    def precision(self) -> float | None:
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        return self.right / self.true if self.true else None

    @property
    def coverage(self) -> float | None:
        return self.covered / self.items if self.items else None


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of neighbouring probability: how sure they were on average, and how many were right."""

    count: int
    sure: float
    right: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """``said`` where ``true`` (names, or "nothing of it") was there: how often, and the surest examples."""

    said: str
    true: str
    count: int
    surest: float
    examples: tuple[tuple[str, str], ...]  # name, fingerprint


@dataclass(frozen=True, slots=True)
class TagLine:
    """One tag at the verdict "apply"."""

    name: str
    said: int
    right: int
    true: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything about one comparison. ``calibration_error`` is the mean distance of sureness and rightness over ten
    bins of equal mass of what is stored from .30 up; None when there is nothing."""

    items: int
    labels: int
    levels: tuple[Level, ...]
    bins: tuple[Bin, ...]
    calibration_error: float | None
    confusions: tuple[Confusion, ...]
    tags: tuple[TagLine, ...]


def measure(cases: Sequence[Case], known: frozenset[str]) -> Measured:
    """``known`` are the names that the truth speaks of: what is said of others is neither right nor wrong.

    The order of the cases doesn't matter.
    """
    known = frozenset(map(singular, known))
    rows = [(case, _best(case, known), frozenset(map(singular, case.true)) & known) for case in cases]
    levels = tuple(_level(level, rows) for level in LEVELS)
    predictions = [
        (d.prediction.probability, key in true)
        for _, said, true in rows
        for key, d in said.items()
        if d.prediction.probability >= LEAST
    ]
    bins = equal_mass(predictions)
    total = sum(one.count for one in bins)
    error = sum(one.count * abs(one.sure - one.right) for one in bins) / total if total else None
    return Measured(
        len(rows), sum(len(true) for _, _, true in rows), levels, bins, error, _confusions(rows), _tags(rows)
    )


_Row = tuple[Case, dict[str, Decision], frozenset[str]]


def _best(case: Case, known: frozenset[str]) -> dict[str, Decision]:
    """The surest decision for each name that the truth speaks of; what is kept and what was dropped don't count."""
    best: dict[str, Decision] = {}
    for decision in case.decisions:
        key = singular(decision.tag)
        if key not in known or decision.verdict == "drop":
            continue
        before = best.get(key)
        mine = (_RANK[decision.verdict], decision.prediction.probability)
        if before is None or mine > (_RANK[before.verdict], before.prediction.probability):
            best[key] = decision
    return best


def _level(level: Verdict, rows: Sequence[_Row]) -> Level:
    said = right = true = covered = 0
    for _, best, truth in rows:
        keys = {key for key, decision in best.items() if _RANK[decision.verdict] >= _RANK[level]}
        said += len(keys)
        right += len(keys & truth)
        true += len(truth)
        covered += bool(keys)
    return Level(level, said, right, true, len(rows), covered)


def equal_mass(predictions: Sequence[tuple[float, bool]], bins: int = BINS) -> tuple[Bin, ...]:
    """At most ``bins`` bins with as many predictions each as can be; equal probabilities stay together, so that their
    order can't matter."""
    ranked = sorted(predictions)
    found: list[Bin] = []
    some: list[tuple[float, bool]] = []
    done = 0
    for _, group in groupby(ranked, key=lambda p: p[0]):
        some += group
        if done + len(some) >= (len(found) + 1) * len(ranked) / bins:
            found.append(_bin(some))
            done += len(some)
            some = []
    return tuple([*found, _bin(some)] if some else found)


def _bin(some: Sequence[tuple[float, bool]]) -> Bin:
    n = len(some)
    return Bin(n, sum(p for p, _ in some) / n, sum(right for _, right in some) / n)


def _confusions(rows: Sequence[_Row]) -> tuple[Confusion, ...]:
    """What was applied or asked about and isn't so, the most frequent first."""
    wrong: dict[tuple[str, str], list[tuple[float, str, str]]] = defaultdict(list)
    for case, best, truth in rows:
        missed = sorted(truth - best.keys())
        for key, decision in best.items():
            if key not in truth and decision.verdict in ("apply", "review"):
                instead = ", ".join(missed) or "nothing of it"
                wrong[decision.tag, instead].append((decision.prediction.probability, case.name, case.fingerprint))
    found = [
        Confusion(said, true, len(some), max(some)[0], tuple((n, f) for _, n, f in sorted(some, reverse=True)[:3]))
        for (said, true), some in wrong.items()
    ]
    return tuple(sorted(found, key=lambda c: (-c.count, -c.surest, c.said, c.true))[:_WORST])


def _tags(rows: Sequence[_Row]) -> tuple[TagLine, ...]:
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for _, best, truth in rows:
        keys = {key for key, decision in best.items() if decision.verdict == "apply"}
        said.update(keys)
        right.update(keys & truth)
        true.update(truth)
    return tuple(TagLine(name, said[name], right[name], true[name]) for name in sorted(said.keys() | true.keys()))
