"""Labels that belong together: synonyms become one prediction, and siblings speak for their parent. Pure.

Both work on the few numbers that verdicts depend on (:class:`tagger.types.Row`), so that stored predictions can be
judged again without their evidence; :func:`joined_prediction` makes the whole prediction where somebody will see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tagger.figures import percent
from tagger.judgement.vocabulary import normal
from tagger.types import NOT_TIMED, Prediction, Row

_MOST_EVIDENCE = 4
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Family:
    """``synonyms``: normal label → the label that stands for all of them. ``rollups``: parent → members, those that
    are members of others first; a member is a label or a parent before it."""

    synonyms: Mapping[str, str] = field(default_factory=dict)
    rollups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def row_of(prediction: Prediction) -> Row:
    """The numbers of a prediction."""
    seen_s = sum(end - start for start, end in prediction.spans_s) if prediction.spans_s else NOT_TIMED
    p = prediction
    return Row(p.feature, p.subject, p.probability, p.calibrated, round(seen_s, 2))


def join(rows: Sequence[Row], family: Family) -> tuple[list[Row], list[tuple[int, ...]]]:
    """Rows with synonyms made one and parents added at the end, and for each the places in ``rows`` it came from."""
    joined = list(rows)
    members: list[tuple[int, ...]] = [(i,) for i in range(len(rows))]
    if family.synonyms:
        joined, members = _one_of_synonyms(rows, family.synonyms)
    for parent, names in family.rollups.items():
        _roll_up(joined, members, parent, frozenset(normal(name) for name in names))
    return joined, members


def _one_of_synonyms(rows: Sequence[Row], synonyms: Mapping[str, str]) -> tuple[list[Row], list[tuple[int, ...]]]:
    """The surest of several that mean the same stands for all of them."""
    groups: dict[tuple[str, str], list[int]] = {}
    for at, row in enumerate(rows):
        groups.setdefault((row.feature, synonyms.get(normal(row.subject), row.subject)), []).append(at)
    joined, members = [], []
    for (_, subject), of in groups.items():
        best = max(of, key=lambda i: (rows[i].probability, rows[i].subject))
        joined.append(rows[best] if rows[best].subject == subject else rows[best]._replace(subject=subject))
        members.append((best, *(i for i in of if i != best)))
    return joined, members


def _roll_up(rows: list[Row], members: list[tuple[int, ...]], parent: str, names: frozenset[str]) -> None:
    """Several siblings, each too weak alone, make their parent likely: √Σp², capped at 1.

    One label that several features name counts once, with the surest. Members without a calibration speak only where
    no other does.
    """
    by_name: dict[str, int] = {}
    for at, row in enumerate(rows):
        name = normal(row.subject)
        if name in names:
            known = by_name.get(name)
            better = known is None or (row.calibrated, row.probability, row.feature) > (
                rows[known].calibrated,
                rows[known].probability,
                rows[known].feature,
            )
            if better:
                by_name[name] = at
    found = [at for at in by_name.values() if rows[at].calibrated] or list(by_name.values())
    if not found:
        return
    found.sort(key=lambda at: (-rows[at].probability, rows[at].feature, rows[at].subject))
    best = rows[found[0]]
    chance = min(1.0, math.sqrt(sum(rows[at].probability ** 2 for at in found)))
    named = ", ".join(f"{rows[at].subject} {percent(rows[at].probability)}" for at in found[:_MOST_NAMED])
    more = " and others" if len(found) > _MOST_NAMED else ""
    seen_s = max(rows[at].seen_s for at in found)
    rows.append(
        Row(
            best.feature,
            parent,
            round(chance, 4),
            best.calibrated,
            seen_s,
            f"Together, by tags.rollups ({named}{more})",
        )
    )
    members.append(tuple(dict.fromkeys(i for at in found for i in members[at])))


def joined_prediction(row: Row, members: Sequence[Prediction]) -> Prediction:
    """The prediction of a joined row: its numbers, and the best evidence of its members (the strongest first)."""
    best = members[0]
    evidence = sorted((e for p in members for e in p.evidence), key=lambda e: (-e.score, e.time_s, e.model))
    return replace(
        best,
        feature=row.feature,
        subject=row.subject,
        probability=row.probability,
        calibrated=row.calibrated,
        models=tuple(dict.fromkeys(model for p in members for model in p.models)),
        evidence=tuple(evidence[:_MOST_EVIDENCE]),
    )
