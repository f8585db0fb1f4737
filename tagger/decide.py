"""Predictions → decisions: apply, review, keep or drop, each with the rule that decided and its reason. Pure.

The rules stand in one list, in the order in which they are asked; the first that has something to say decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace

from tagger.types import Decision, Prediction, Verdict
from tagger.vocabulary import Names, display, matches, normal


@dataclass(frozen=True, slots=True)
class Bar:
    """Three thresholds, and the place in the configuration where the deciding one was said."""

    apply: float
    review: float
    keep: float
    place: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that turns a probability into a verdict.

    ``features`` and ``tags`` hold more special thresholds (only the keys that were said). ``modes`` are the switches of
    the features. ``most_tags`` 0 = no limit.
    """

    apply: float = 0.90
    review: float = 0.70
    keep: float = 0.30
    features: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    blacklist: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()
    most_tags: int = 20
    least_seen_s: float = 0.0

    def bar(self, feature: str, tag: str) -> Bar:
        """The thresholds for this tag: the most special place that says one wins."""
        values = {"apply": self.apply, "review": self.review, "keep": self.keep}
        place = "thresholds"
        if feature in self.features:
            values |= self.features[feature]
            place = f"thresholds.features.{feature}"
        own = next((said for name, said in self.tags.items() if normal(name) == normal(tag)), None)
        if own is not None:
            values |= own
            place = f"thresholds.tags.{tag}"
        # Somebody who raises keep or lowers apply alone means the others to give way.
        review = min(values["review"], values["apply"])
        return Bar(values["apply"], review, min(values["keep"], review), place)

    def fingerprint(self, *more: object) -> str:
        """Changes whenever a decision could change; ``more`` are further things that decisions rest on."""
        text = json.dumps(_plain([self, *more]), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """The same JSON for the same value in every process: sets have no order, and their ``repr`` changes it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


_Rule = Callable[[Prediction, str, Policy], "tuple[Verdict, str, str] | None"]


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %"


def _no_name(prediction: Prediction, tag: str, _: Policy) -> tuple[Verdict, str, str] | None:
    if tag:
        return None
    return "drop", "tags.names", f"“{prediction.subject}” is mapped to no tag."


def _blacklisted(prediction: Prediction, tag: str, policy: Policy) -> tuple[Verdict, str, str] | None:
    pattern = matches(tag, policy.blacklist) or matches(prediction.subject, policy.blacklist)
    return ("drop", "tags.blacklist", f"“{tag}” is on the blacklist (“{pattern}”).") if pattern else None


def _not_whitelisted(prediction: Prediction, tag: str, policy: Policy) -> tuple[Verdict, str, str] | None:
    if not policy.whitelist or matches(tag, policy.whitelist) or matches(prediction.subject, policy.whitelist):
        return None
    return "drop", "tags.whitelist", f"“{tag}” isn't on the whitelist."


def _by_threshold(prediction: Prediction, tag: str, policy: Policy) -> tuple[Verdict, str, str]:
    bar = policy.bar(prediction.feature, tag)
    surely = f"{_percent(prediction.probability)} sure"
    if prediction.probability >= bar.apply:
        return "apply", f"{bar.place}.apply", f"{surely}, at least {_percent(bar.apply)} is applied."
    if prediction.probability >= bar.review:
        return "review", f"{bar.place}.review", f"{surely}, below {_percent(bar.apply)} you are asked."
    if prediction.probability >= bar.keep:
        return "keep", f"{bar.place}.keep", f"{surely}, below {_percent(bar.review)} it is only remembered."
    return "drop", f"{bar.place}.keep", f"{surely}, below {_percent(bar.keep)} it is forgotten."


def _too_short(prediction: Prediction, _: str, policy: Policy) -> tuple[Verdict, str, str] | None:
    seen_s = sum(end - start for start, end in prediction.spans_s)
    if not prediction.spans_s or seen_s >= policy.least_seen_s:
        return None
    return (
        "keep",
        "limits.least_seen_s",
        f"Seen for {seen_s:.0f} s, at least {policy.least_seen_s:.0f} s are asked for.",
    )


def _switched(prediction: Prediction, _: str, policy: Policy) -> tuple[Verdict, str, str] | None:
    mode = policy.modes.get(prediction.feature, "apply")
    place = f"features.{prediction.feature}"
    if mode in ("look", "off"):
        return "keep", place, f"{display(prediction.feature)} are only remembered, as {place} says."
    if mode == "review":
        return "review", place, f"{display(prediction.feature)} are never applied without you, as {place} says."
    return None


def _uncalibrated(prediction: Prediction, _tag: str, _policy: Policy) -> tuple[Verdict, str, str] | None:
    if prediction.calibrated:
        return None
    models = ", ".join(prediction.models)
    return "review", "calibration", f"{models} has no calibration, so you are asked however sure it says it is."


_EXCLUDING: tuple[_Rule, ...] = (_no_name, _blacklisted, _not_whitelisted)
_CAPPING: tuple[_Rule, ...] = (_switched, _uncalibrated, _too_short)
_RANK: Mapping[Verdict, int] = {"drop": 0, "keep": 1, "review": 2, "apply": 3}


def _judge(prediction: Prediction, tag: str, policy: Policy) -> Decision:
    for rule in _EXCLUDING:
        said = rule(prediction, tag, policy)
        if said:
            return Decision(prediction, said[0], tag, said[1], said[2])
    verdict, place, why = _by_threshold(prediction, tag, policy)
    for cap in _CAPPING:
        said = cap(prediction, tag, policy)
        if said and _RANK[said[0]] < _RANK[verdict]:
            verdict, place, why = said
    return Decision(prediction, verdict, tag, place, why)


def decide(predictions: Iterable[Prediction], policy: Policy) -> list[Decision]:
    """One decision for each prediction and tag name, surest first. Raising a threshold never adds a tag."""
    decisions = [
        _judge(prediction, tag, policy)
        for prediction in sorted(predictions, key=lambda p: (-p.probability, p.feature, p.subject))
        for tag in (policy.names.of_label(prediction.subject) or ("",))
    ]
    return _limit(decisions, policy)


def _limit(decisions: Sequence[Decision], policy: Policy) -> list[Decision]:
    """At most ``most_tags`` different tags are applied; the rest of them wait for review.

    Places are given by probability to all that thresholds judge, passed or not: if only those that passed had a place,
    raising the threshold of one tag would make room for another.
    """
    if not policy.most_tags:
        return list(decisions)
    places: dict[str, int] = {}
    for decision in decisions:
        if decision.rule.startswith(("thresholds", "limits.gallery")):
            places.setdefault(normal(decision.tag), len(places))
    return [
        replace(
            decision,
            verdict="review",
            rule="limits.most_tags",
            why=f"{_percent(decision.prediction.probability)} sure, but {policy.most_tags} surer ones came first.",
        )
        if decision.verdict == "apply" and places[normal(decision.tag)] >= policy.most_tags
        else decision
        for decision in decisions
    ]


@dataclass(frozen=True, slots=True)
class GalleryRule:
    """A gallery gets a tag that enough of its images share."""

    share: float = 0.30
    least: int = 2


def decide_gallery(images: Sequence[Sequence[Decision]], rule: GalleryRule, policy: Policy) -> list[Decision]:
    """Decisions for a gallery from those of its images (one sequence for each image that was looked at)."""
    by_tag: dict[str, dict[int, Decision]] = {}
    for index, decisions in enumerate(images):
        for decision in decisions:
            if decision.verdict in ("apply", "review") and decision.tag:
                best = by_tag.setdefault(normal(decision.tag), {})
                if index not in best or decision.prediction.probability > best[index].prediction.probability:
                    best[index] = decision
    least = max(1, min(rule.least, len(images)))
    decided = [_gallery_decision(list(found.values()), len(images), least, rule) for found in by_tag.values()]
    decided.sort(key=lambda d: (-d.prediction.probability, d.tag))
    return _limit([decision for decision in decided if decision is not None], policy)


def _gallery_decision(found: Sequence[Decision], n: int, least: int, rule: GalleryRule) -> Decision:
    applied = [d for d in found if d.verdict == "apply"]
    best = max(found, key=lambda d: d.prediction.probability)
    mean = sum(d.prediction.probability for d in (applied or found)) / len(applied or found)
    counted = f"{len(applied)} of its {n} images have it"
    wanted = f"{_percent(rule.share)} and at least {least} are asked for"

    def verdict(count: int) -> bool:
        return count >= least and count >= rule.share * n

    said: Verdict = "apply" if verdict(len(applied)) else "review" if verdict(len(found)) else "keep"
    prediction = replace(
        best.prediction, probability=round(mean, 4), evidence=(), spans_s=(), calibrated=True, label=best.tag
    )
    return Decision(prediction, said, best.tag, "limits.gallery_share", f"{counted}; {wanted}.")
