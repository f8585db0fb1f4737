"""Precision promised: "95 % of what you apply must be right", and what people looked at says how far that holds.

Looks are answers in audits (a random sample of applied tags), in reviews, and removals by hand; of tags that the person
calls complete, every item is one. From the looks at or above a threshold follows a lower bound of the share that is
right (Wilson's score interval, one-sided, 95 %). The threshold of a tag moves by these rules, chosen so that a promise
is wrong for at most one tag in twenty:

* From where it is now it goes down step by step (:data:`STEPS`) while each step keeps the promise, and stops at the
  first that doesn't. Reviews lie near the threshold and audits above it, so low steps are judged by more looks at
  unsure ones than there are: the bound errs on the safe side.
* When it doesn't hold where it is, the steps above are tried, each with its share of the 5 %.
* A tag without looks enough borrows: all looks of its feature's tags together, at most :data:`POOLED` of each, so that
  no common tag speaks for the rest. It needs :data:`OWN` looks of its own that don't speak against the promise.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from tagger.answers import TagRule
from tagger.judgement.decide import ANSWERS, NEVER, PlaceRule, Policy
from tagger.judgement.vocabulary import normal
from tagger.ports import Store

CONFIDENCE = 0.95
STEPS = tuple(round(0.99 - 0.02 * step, 2) for step in range(25))  # 0.99, 0.97 … 0.51
POOLED = 20
OWN = 3
USUAL = 0.95  # what looks are held against while nothing is promised
PLACE = ANSWERS  # where these rules say that they stand
_Z = 1.6448536269514722  # of CONFIDENCE


class Seen(NamedTuple):
    """One look of a person at something with this probability."""

    probability: float
    right: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """What can be said of one tag. ``apply`` is its threshold, None when nothing can be promised yet; then ``needs``
    says how many more looks, all of them right, would do. ``borrowed``: the looks are those of the feature."""

    tag: str
    feature: str
    apply: float | None
    looked: int
    right: int
    at_least: float
    needs: int = 0
    borrowed: bool = False

    def sentence(self) -> str:
        """For a person."""
        evidence = f"{self.looked:,} looked at, {self.right:,} right"
        if self.apply is None:
            return f"{self.tag}: not promised yet; {evidence}; {self.needs:,} more right ones would do"
        whose = f" (by its feature, {self.feature})" if self.borrowed else ""
        # The nearest percent, since where this is said the promise is kept; never a certainty.
        bound = min(99, round(100 * self.at_least))
        return f"{self.tag}: {_exact(self.apply)}; {evidence}{whose}; at least {bound} %"


def _exact(threshold: float) -> str:
    """With all its digits: what is below it must not look like it."""
    return f"{threshold:.4f}".removesuffix("0").removesuffix("0")


# ---------------------------------------------------------------- the statistics


def at_least(right: int, looked: int, z: float = _Z) -> float:
    """Wilson's lower bound of the share that is right; 0 when nothing was looked at."""
    # Where all are wrong, or all right, the bound meets the share, which rounding would miss by a hair.
    return min(_wilson(right, looked, -z), right / looked) if looked else 0.0


def at_most(right: int, looked: int, z: float = _Z) -> float:
    """Wilson's upper bound; 1 when nothing was looked at."""
    return max(_wilson(right, looked, z), right / looked) if looked else 1.0


def _wilson(right: int, n: int, z: float) -> float:
    share, square = right / n, z * z / n
    spread = math.sqrt(share * (1 - share) / n + square / (4 * n))
    return min(1.0, max(0.0, (share + square / 2 + z * spread) / (1 + square)))


def looks_needed(right: int, looked: int, promise: float) -> int:
    """How many more looks, all of them right, until the promise is kept: 52 from nothing for 0.95."""
    if promise >= 1:
        return 10**6
    low, high = 0, 64
    while at_least(right + high, looked + high) < promise:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if at_least(right + middle, looked + middle) >= promise:
            high = middle
        else:
            low = middle + 1
    return high


@cache
def _z(confidence: float) -> float:
    """So many standard deviations a normal value exceeds with 1 - ``confidence``."""
    from statistics import NormalDist  # 20 ms, for which a page need not wait that asks for something else

    return NormalDist().inv_cdf(confidence)


class _Looks:
    """Looks by their probability: how many lie at or above any is found at once."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        ordered = sorted(seen)
        self._probabilities = [one.probability for one in ordered]
        self._right = list(accumulate((one.right for one in reversed(ordered)), initial=0))

    def above(self, bar: float) -> tuple[int, int]:
        """Right, and looked at."""
        looked = len(self._probabilities) - bisect_left(self._probabilities, bar)
        return self._right[looked], looked

    def least(self, bar: float) -> float:
        """The lowest at or above it, which there is."""
        return self._probabilities[bisect_left(self._probabilities, bar)]

    def keep(self, bar: float, promise: float, z: float = _Z) -> bool:
        return at_least(*self.above(bar), z) >= promise


def threshold(seen: Sequence[Seen], promise: float, now: float) -> float | None:
    """The threshold for a tag that is applied from ``now`` on; None when nothing can be promised."""
    return _threshold(_Looks(seen), promise, now)


def _threshold(looks: _Looks, promise: float, now: float) -> float | None:
    above = [step for step in reversed(STEPS) if step > now]
    if not looks.keep(now, promise):
        z = _z(1 - (1 - CONFIDENCE) / max(1, len(above)))
        return next((step for step in above if looks.keep(step, promise, z)), None)
    best = now
    for step in STEPS:
        if step < now:
            if not looks.keep(step, promise):
                break
            best = step
    # Not lower than the least that anybody looked at: of what lies below nothing is known.
    return min(now, max(best, looks.least(best)))


# ---------------------------------------------------------------- tags


def promises(
    looks: Mapping[tuple[str, str], Sequence[Seen]], promise: float, now: Mapping[tuple[str, str], float]
) -> list[Promise]:
    """One for each ``(feature, tag)`` in ``now``, which maps it to its present threshold."""
    every: dict[str, list[Seen]] = defaultdict(list)
    for (feature, _), seen in looks.items():
        every[feature] += seen[-POOLED:]
    pools = defaultdict(lambda: _Looks(()), {feature: _Looks(seen) for feature, seen in every.items()})
    return [
        _promise(tag, feature, _Looks(looks.get((feature, tag), ())), pools[feature], promise, bar)
        for (feature, tag), bar in sorted(now.items())
    ]


def _promise(tag: str, feature: str, own: _Looks, pool: _Looks, promise: float, now: float) -> Promise:
    found = _threshold(own, promise, now)
    if found is not None:
        return _shown(tag, feature, own, found, borrowed=False)
    borrowed = _threshold(pool, promise, now)
    if borrowed is not None:
        right, looked = own.above(borrowed)
        if looked >= OWN and at_most(right, looked) >= promise:
            return _shown(tag, feature, pool, borrowed, borrowed=True)
    right, looked = own.above(now)
    needs = looks_needed(right, looked, promise)
    if borrowed is not None and at_most(right, looked) >= promise:
        needs = min(needs, max(1, OWN - looked))
    return Promise(tag, feature, None, looked, right, at_least(right, looked), needs)


def _shown(tag: str, feature: str, looks: _Looks, bar: float, borrowed: bool) -> Promise:
    right, looked = looks.above(bar)
    return Promise(tag, feature, bar, looked, right, at_least(right, looked), 0, borrowed)


def looks_of(rows: Iterable[tuple[str, str, float, bool]]) -> dict[tuple[str, str], list[Seen]]:
    """By feature and tag, of what :meth:`Answers.looked_at` gives."""
    looks: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for feature, tag, probability, right in rows:
        looks[feature, tag].append(Seen(probability, right))
    return looks


def find_promises(
    store: Store, policy: Policy, promise: float, complete: Mapping[tuple[str, str], Sequence[Seen]] | None = None
) -> list[Promise]:
    """For all tags that were applied, looked at, or wait. ``complete`` are looks at tags that the person has put on
    everything they belong on."""
    looks = looks_of(store.looked_at())
    for key, seen in (complete or {}).items():
        looks.setdefault(key, []).extend(seen)
    plain = without_promises(policy)
    now = {(feature, tag): plain.bar(feature, tag).apply for feature, tag in {*looks, *store.tags_decided()} if tag}
    return promises(looks, promise, now)


def keep_promises(store: Store, found: Sequence[Promise]) -> int:
    """From now on these thresholds hold: one act, which can be taken back; 0 when nothing changes."""
    before = {rule.tag_name: rule.apply for rule in store.rules() if rule.kind == "promise"}
    rules = [
        TagRule(one.tag, "promise", one.apply or 0.0, one.feature, one.sentence())
        for one in found
        if (one.apply or 0.0) != before.get(one.tag, 0.0)
    ]
    return store.say(f"thresholds of {len(rules)} tags follow what was looked at", (), rules) if rules else 0


# ---------------------------------------------------------------- the policy


def with_answers(policy: Policy, rules: Sequence[TagRule], promise: float) -> Policy:
    """The policy with what persons said of tags everywhere. Where something is promised (``promise`` above 0), only
    what keeps it is applied, and the rest waits for review; "always" comes before that, "never" before all."""
    tags: dict[str, dict[str, float]] = {}
    kinds = ("promise", "always") if promise else ("always",)
    for kind in kinds:
        for rule in rules:
            if rule.kind == kind and rule.apply:
                tags[normal(rule.tag_name)] = {"apply": rule.apply}
    never = tuple(rule.tag_name for rule in rules if rule.kind == "never")
    features = {feature: {"apply": NEVER} for feature in policy.modes} if promise else {}
    if not tags and not never and not features:
        return policy
    answers = PlaceRule(place=PLACE, tags=tags, features=features, blacklist=never)
    return replace(policy, rules=(answers, *policy.rules))


def without_promises(policy: Policy) -> Policy:
    """The policy as the configuration has it."""
    return replace(policy, rules=tuple(rule for rule in policy.rules if rule.place != PLACE))
