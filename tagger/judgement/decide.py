"""Predictions → decisions: apply, review, keep or drop, each with the rule that decided and its reason. Pure.

The rules stand in one list, in the order in which they are asked; the first that has something to say decides. What a
rule says of a kind of prediction is the same for all of that kind but for the probability, so a :class:`Court` asks
each rule once and then compares numbers: a million stored predictions are judged in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import NamedTuple

from tagger.figures import against, decimal, down, limit, next_decimal, percent
from tagger.judgement.families import Family, join, joined_prediction, row_of
from tagger.judgement.vocabulary import Names, display, matches, normal
from tagger.types import Decision, Prediction, Row, Verdict

RANK: Mapping[Verdict, int] = {"drop": 0, "keep": 1, "review": 2, "apply": 3}
VERDICTS: tuple[Verdict, ...] = ("drop", "keep", "review", "apply")
ANSWERS = "answers"  # the place of rules that persons' answers made
NEVER = 2.0  # a threshold that nothing passes: even what is quite sure waits, as long as nothing is promised of it


@dataclass(frozen=True, slots=True)
class Bar:
    """Three thresholds, and the place in the configuration where the most special of them was said."""

    apply: float
    review: float
    keep: float
    place: str


@dataclass(frozen=True, slots=True)
class PlaceRule:
    """What holds for items below some folders only. ``place`` is where it stands in the configuration (``rules[0]``).

    ``below`` are folders ("" = everywhere). ``most_tags`` None leaves that limit as it is.
    """

    place: str
    below: tuple[str, ...] = ("",)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    features: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    blacklist: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()
    most_tags: int | None = None

    def depth(self, path: str) -> int:
        """How many letters of ``path`` its deepest folder covers, -1 when it is not for this path."""
        plain = path.replace("\\", "/")
        folders = (folder.replace("\\", "/").rstrip("/") for folder in self.below)
        return max((len(f) for f in folders if not f or plain == f or plain.startswith(f + "/")), default=-1)


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that turns a probability into a verdict.

    ``usual_review`` is from where on a feature waits for review unless somebody said something else.
    ``features`` and ``tags`` hold more special thresholds (only the keys that were said). ``modes`` are the switches of
    the features. ``most_tags`` 0 = no limit. ``rules`` hold for some folders; :meth:`at` makes the policy of one place,
    with those in force there in ``here``, the most general first.
    """

    apply: float = 0.90
    review: float = 0.70
    keep: float = 0.30
    usual_review: Mapping[str, float] = field(default_factory=dict)
    features: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    blacklist: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()
    most_tags: int = 20
    least_seen_s: float = 0.0
    family: Family = field(default_factory=Family)
    rules: tuple[PlaceRule, ...] = ()
    here: tuple[PlaceRule, ...] = ()

    def at(self, path: str) -> Policy:
        """The policy for an item with this path; of several rules the one for the deepest folder wins."""
        if not self.rules:
            return self
        found = sorted(
            ((depth, rule) for rule in self.rules if (depth := rule.depth(path)) >= 0), key=lambda pair: pair[0]
        )
        return replace(self, rules=(), here=tuple(rule for _, rule in found))

    def bar(self, feature: str, tag: str, subject: str = "") -> Bar:
        """The thresholds for this tag: the most special place that says one wins."""
        review = max(self.keep, self.usual_review.get(feature, self.review))
        values = {"apply": self.apply, "review": review, "keep": self.keep}
        place = "thresholds"
        for where, said in self._special(feature, {normal(tag), normal(subject)} - {""}):
            if said:
                values |= said
                place = where
        # Somebody who raises keep or lowers apply alone means the others to give way.
        review = min(values["review"], values["apply"])
        return Bar(values["apply"], review, min(values["keep"], review), place)

    def _special(self, feature: str, names: set[str]) -> Iterable[tuple[str, Mapping[str, float]]]:
        for rule in self.here:
            yield f"{rule.place}.thresholds", rule.thresholds
        yield f"thresholds.features.{feature}", self.features.get(feature, {})
        for rule in self.here:
            yield f"{rule.place}.thresholds.features.{feature}", rule.features.get(feature, {})
        for where, tags in (("", self.tags), *((f"{rule.place}.", rule.tags) for rule in self.here)):
            for name, said in tags.items():
                if normal(name) in names:
                    yield f"{where}thresholds.tags.{name}", said

    def mode(self, feature: str) -> tuple[str, str]:
        """The feature's switch, and its place."""
        for rule in reversed(self.here):
            if feature in rule.modes:
                return rule.modes[feature], f"{rule.place}.features.{feature}"
        return self.modes.get(feature, "apply"), f"features.{feature}"

    def lists(self, name: str) -> list[tuple[str, tuple[str, ...]]]:
        """Each ``blacklist`` (or ``whitelist``) that isn't empty, with its place."""
        all_lists = [(f"tags.{name}", getattr(self, name))]
        all_lists += [(f"{rule.place}.{name}", getattr(rule, name)) for rule in self.here]
        return [(place, patterns) for place, patterns in all_lists if patterns]

    def limit(self) -> tuple[int, str]:
        """The most tags an item, and the place that says so."""
        for rule in reversed(self.here):
            if rule.most_tags is not None:
                return rule.most_tags, f"{rule.place}.most_tags"
        return self.most_tags, "limits.most_tags"

    def fingerprint(self, *more: object) -> str:
        """Changes whenever a decision could change; ``more`` are further things that decisions rest on."""
        return fingerprint(self, *more)


def fingerprint(*things: object) -> str:
    """The same 16 letters for the same values in every process."""
    import hashlib  # 10 ms, for which no page need wait

    return hashlib.sha256(json.dumps(plain(things), sort_keys=True).encode()).hexdigest()[:16]


def plain(value: object) -> object:
    """The same JSON for the same value in every process: sets have no order, and their ``repr`` changes it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


# ---------------------------------------------------------------- the rules


class Said(NamedTuple):
    """What a rule says: the verdict, its place in the configuration, one sentence why, one what would change it."""

    verdict: Verdict
    rule: str
    why: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """What rules may look at, besides the numbers: predictions of one kind, under one tag name ("" = none)."""

    feature: str
    subject: str
    calibrated: bool
    tag: str


_Rule = Callable[[_Kind, Policy], "Said | None"]


def _no_name(kind: _Kind, _: Policy) -> Said | None:
    if kind.tag:
        return None
    why = f"“{kind.subject}” is mapped to no tag."
    return Said("drop", "tags.names", why, f"Give “{kind.subject}” a name in tags.names.")


def _blacklisted(kind: _Kind, policy: Policy) -> Said | None:
    for place, patterns in policy.lists("blacklist"):
        pattern = matches(kind.tag, patterns) or matches(kind.subject, patterns)
        if pattern and place == f"{ANSWERS}.blacklist":
            why = f"You said that “{pattern}” is written nowhere."
            return Said("drop", place, why, "Take that answer back: 'review acts' lists them.")
        if pattern:
            listed = f"“{kind.tag}” is on the blacklist" + ("." if pattern == kind.tag else f", as “{pattern}”.")
            return Said("drop", place, listed, f"Take “{pattern}” off {place}.")
    return None


def _not_whitelisted(kind: _Kind, policy: Policy) -> Said | None:
    for place, patterns in policy.lists("whitelist"):
        if not matches(kind.tag, patterns) and not matches(kind.subject, patterns):
            why = f"“{kind.tag}” isn't on the whitelist."
            return Said("drop", place, why, f"Add “{kind.tag}” to {place}, or empty that list.")
    return None


def _switched(kind: _Kind, policy: Policy) -> Said | None:
    mode, place = policy.mode(kind.feature)
    otherwise = f"Set {place} to apply."
    if mode in ("look", "off"):
        why = f"{display(kind.feature)} are only remembered, as {place} says."
        return Said("keep", place, why, otherwise)
    if mode == "review":
        return Said(
            "review", place, f"{display(kind.feature)} are never applied without you, as {place} says.", otherwise
        )
    return None


def _uncalibrated(kind: _Kind, _: Policy) -> Said | None:
    if kind.calibrated:
        return None
    why = "Nobody has measured how right its numbers are, so you are asked however sure they say it is."
    return Said("review", "calibration", why, "Say yes in a review; a model that is yours can be measured.")


_EXCLUDING: tuple[_Rule, ...] = (_no_name, _blacklisted, _not_whitelisted)
_CAPPING: tuple[_Rule, ...] = (_switched, _uncalibrated)


NOT_PROMISED = "but nothing is promised of it yet, so you are asked."
_NO_HIGHER = "No threshold is higher: say no in a review, or put it on tags.blacklist."
_TO = {"review": "", "keep": " to be asked", "drop": " to see it"}


def _by_threshold(rank: int, bar: Bar, chance: float) -> Said:
    verdict, place = VERDICTS[rank], bar.place
    if verdict == "apply":
        sure, least = against(chance, bar.apply)
        raised = f"Raise {place}.apply to {next_decimal(chance):.2f}." if chance < 1 else _NO_HIGHER
        return Said("apply", f"{place}.apply", f"{sure} sure, at least {least} is applied.", raised)
    if verdict == "review" and bar.apply == NEVER:
        why = f"{percent(chance)} sure, {NOT_PROMISED}"
        return Said("review", f"{place}.apply", why, "Look at more of it: 'promise' says how many.")
    below, so, name, lowered = {
        "review": (bar.apply, "you are asked", "review", "apply"),
        "keep": (bar.review, "it is only remembered", "keep", "review"),
        "drop": (bar.keep, "it is forgotten", "keep", "keep"),
    }[verdict]
    sure, least = against(chance, below)
    otherwise = f"Lower {place}.{lowered} to {decimal(chance)} or less{_TO[verdict]}."
    return Said(verdict, f"{place}.{name}", f"{sure} sure, below {least} {so}.", otherwise)


def _too_short(seen_s: float, least_s: float) -> Said:
    seen = f"{down(seen_s, 1):g}"
    why = f"Seen for {seen} s, at least {least_s:g} s are asked for."
    return Said("keep", "limits.least_seen_s", why, f"Lower limits.least_seen_s to {seen} or less.")


def _one_too_many(chance: float, most: int, place: str) -> Said:
    why = f"{percent(chance)} sure, but {most} surer ones came first."
    return Said("review", place, why, f"Raise {place} above {most}.")


# ---------------------------------------------------------------- the court


class Ruling(NamedTuple):
    """What the rules say of all predictions of one kind: excluded, or three thresholds and what caps them."""

    tag: str
    key: str
    excluded: Said | None
    bar: Bar
    caps: tuple[Said, ...]
    most: int  # the rank that the caps leave


class _Judged(NamedTuple):
    """One row under one tag: its verdict as a rank, and whether the length or the number of tags made it so."""

    at: int
    ruling: Ruling
    rank: int
    short: bool
    surplus: bool


class Hearing(NamedTuple):
    """Verdicts on rows; the words are found only for those that somebody wants to know."""

    rows: Sequence[Row]
    judged: Sequence[_Judged]
    said: Callable[[_Judged, Row], tuple[Verdict, str, str]]

    def verdicts(self) -> list[tuple[str, str, str, int]]:
        """``(feature, subject, tag, rank)`` of each."""
        rows = self.rows
        return [(rows[at].feature, rows[at].subject, ruling.tag, rank) for at, ruling, rank, _, _ in self.judged]

    def words(self, place: int) -> tuple[Verdict, str, str]:
        """``(verdict, rule, why)`` for the one at this place."""
        judged = self.judged[place]
        return self.said(judged, self.rows[judged.at])


class Court:
    """A policy that is ready to judge. One a policy; it learns the kinds of predictions as they come."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._limit, self._limit_place = policy.limit()
        self._rulings: dict[tuple[str, str, bool], tuple[Ruling, ...]] = {}

    def decide(self, predictions: Iterable[Prediction]) -> list[Decision]:
        """One decision for each prediction and tag name, surest first."""
        given = sorted(predictions, key=lambda p: (-p.probability, p.feature, p.subject))
        rows, members = join([row_of(p) for p in given], self._policy.family)
        found = [
            given[of[0]]
            if len(of) == 1 and row == row_of(given[of[0]])
            else joined_prediction(row, [given[i] for i in of])
            for row, of in zip(rows, members, strict=True)
        ]
        decisions = []
        for judged in sorted(self._judge(rows), key=lambda j: (-rows[j.at].probability, j.at)):
            verdict, rule, why = self._words(judged, rows[judged.at])
            decisions.append(Decision(found[judged.at], verdict, judged.ruling.tag, rule, why))
        return decisions

    def hear(self, rows: Sequence[Row]) -> Hearing:
        """What it says of rows in the order of :meth:`decide`."""
        joined, _ = join(rows, self._policy.family)
        return Hearing(joined, self._judge(joined), self._words)

    def _words(self, judged: _Judged, row: Row) -> tuple[Verdict, str, str]:
        said = self._say(judged, row)
        return said.verdict, said.rule, f"{row.together}: {said.why}" if row.together else said.why

    def explain(self, rows: Sequence[Row], names: frozenset[str]) -> list[tuple[Row, str, Said]]:
        """Of all predictions of an item those about these names (normal form; tags or labels), the surest first: the
        numbers, the tag, and what the deciding rule says, with what would have to change for another verdict."""
        joined, _ = join(rows, self._policy.family)
        about = [
            (joined[judged.at], judged.ruling.tag, self._say(judged, joined[judged.at]))
            for judged in self._judge(joined)
            if judged.ruling.key in names or normal(joined[judged.at].subject) in names
        ]
        return sorted(about, key=lambda one: -one[0].probability)

    def _judge(self, rows: Sequence[Row]) -> list[_Judged]:
        least_s = self._policy.least_seen_s
        judged = []
        for at, (feature, subject, chance, calibrated, seen_s, _) in enumerate(rows):
            for ruling in self._rulings.get((feature, subject, calibrated)) or self._learn(
                feature, subject, calibrated
            ):
                if ruling.excluded is not None:
                    judged.append(_Judged(at, ruling, 0, False, False))
                    continue
                bar = ruling.bar
                rank = 3 if chance >= bar.apply else 2 if chance >= bar.review else 1 if chance >= bar.keep else 0
                rank = min(rank, ruling.most)
                short = 0 <= seen_s < least_s and rank > 1
                judged.append(_Judged(at, ruling, 1 if short else rank, short, False))
        return self._at_most(judged, rows) if 0 < self._limit < len(judged) else judged

    def _at_most(self, judged: list[_Judged], rows: Sequence[Row]) -> list[_Judged]:
        """At most ``most_tags`` different tags are applied; the rest of them wait for review.

        Places are given by probability to all that thresholds judge, passed or not: if only those that passed had a
        place, raising the threshold of one tag would make room for another.
        """
        places: dict[str, int] = {}
        for one in sorted(judged, key=lambda j: (-rows[j.at].probability, j.at)):
            if one.ruling.excluded is None and one.ruling.most == RANK["apply"] and not one.short:
                places.setdefault(one.ruling.key, len(places))
        return [
            one._replace(rank=2, surplus=True) if one.rank == 3 and places[one.ruling.key] >= self._limit else one
            for one in judged
        ]

    def _learn(self, feature: str, subject: str, calibrated: bool) -> tuple[Ruling, ...]:
        policy = self._policy
        rulings = []
        for tag in policy.names.of_label(subject) or ("",):
            kind = _Kind(feature, subject, calibrated, tag)
            excluded = next((said for rule in _EXCLUDING if (said := rule(kind, policy))), None)
            caps = tuple(said for rule in _CAPPING if (said := rule(kind, policy)))
            most = min((RANK[said.verdict] for said in caps), default=RANK["apply"])
            rulings.append(Ruling(tag, normal(tag), excluded, policy.bar(feature, tag, subject), caps, most))
        self._rulings[feature, subject, calibrated] = tuple(rulings)
        return self._rulings[feature, subject, calibrated]

    def _say(self, judged: _Judged, row: Row) -> Said:
        """The words of the rule that decided."""
        ruling = judged.ruling
        if ruling.excluded is not None:
            return ruling.excluded
        if judged.surplus:
            return _one_too_many(row.probability, self._limit, self._limit_place)
        bar, chance = ruling.bar, row.probability
        rank = 3 if chance >= bar.apply else 2 if chance >= bar.review else 1 if chance >= bar.keep else 0
        short = (_too_short(row.seen_s, self._policy.least_seen_s),) if judged.short else ()
        all_said: tuple[Said, ...] = (_by_threshold(rank, bar, chance), *ruling.caps, *short)
        least = min(RANK[one.verdict] for one in all_said)
        holding = [one for one in all_said if RANK[one.verdict] == least]
        # What else holds it where it is would have to change, too.
        also = "".join(f" And {one.otherwise[0].lower()}{one.otherwise[1:]}" for one in holding[1:])
        return holding[0]._replace(otherwise=holding[0].otherwise + also)


def decide(predictions: Iterable[Prediction], policy: Policy) -> list[Decision]:
    """One decision for each prediction and tag name, surest first. Raising a threshold never adds a tag."""
    return Court(policy).decide(predictions)


# ---------------------------------------------------------------- galleries


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
    most, place = policy.limit()
    return [
        replace(d, verdict=said.verdict, rule=said.rule, why=said.why)
        if most
        and at >= most
        and d.verdict == "apply"
        and (said := _one_too_many(d.prediction.probability, most, place))
        else d
        for at, d in enumerate(decided)
    ]


def _gallery_decision(found: Sequence[Decision], n: int, least: int, rule: GalleryRule) -> Decision:
    applied = [d for d in found if d.verdict == "apply"]
    best = max(found, key=lambda d: (d.prediction.probability, d.tag, d.prediction.feature))
    mean = sum(d.prediction.probability for d in (applied or found)) / len(applied or found)
    counted = f"{len(applied)} of its {n} images have it"
    wanted = f"{limit(rule.share)} and at least {least} are asked for"

    def verdict(count: int) -> bool:
        return count >= least and count >= rule.share * n

    said: Verdict = "apply" if verdict(len(applied)) else "review" if verdict(len(found)) else "keep"
    prediction = replace(
        best.prediction, probability=round(mean, 4), evidence=(), spans_s=(), calibrated=True, label=best.tag
    )
    return Decision(prediction, said, best.tag, "limits.gallery_share", f"{counted}; {wanted}.")
