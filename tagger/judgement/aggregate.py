"""What all sightings of one file say together: sightings → predictions. Pure.

Raw scores become one probability for each thing by :mod:`tagger.judgement.calibration`; where and when it was seen is
kept as evidence, so that a person can be shown why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tagger.judgement.calibration import Calibrations, frame_scores, over_frames, probability, roll_up
from tagger.judgement.coloured import FEATURE as OBJECT_COLOURS
from tagger.judgement.coloured import colours_of_objects
from tagger.types import Box, Evidence, Prediction, Sighting

_LEAST = 0.05  # predictions below this say nothing
_SEEN = 0.30  # a frame with this probability counts as "it is seen here"
_MOST_EVIDENCE = 4
GROUP = 5  # so many people and more are a group
COUNTS = "counts"
MADE_FROM: Mapping[str, str] = {COUNTS: "objects", OBJECT_COLOURS: "objects"}
"""Features that no model is of, and whose models' sightings they are made from."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of the models: which feature each speaks of, its groups of labels, and what its scores mean.

    ``groups`` maps a model to its roll-ups (group → members); ``only_groups`` are models whose single labels are too
    fine to be tags. ``labels`` maps a model's raw label to the canonical subject.
    """

    features: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    only_groups: frozenset[str] = frozenset()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calibrations: Calibrations = field(default_factory=Calibrations)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One subject in one frame of one model: the best score, the raw label behind it, its box, and all box scores.

    ``fitted`` is the score in its context, which is what calibration was fitted on.
    """

    time_s: float
    score: float
    fitted: float
    label: str
    box: Box | None
    scores: tuple[float, ...]


def aggregate(sightings: Sequence[Sighting], knowledge: Knowledge, duration_s: float = 0.0) -> list[Prediction]:
    """Predictions of one file from the sightings of its models, surest first.

    The order of sightings and frames doesn't matter.
    """
    by_feature: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sorted(sightings, key=lambda s: s.model):
        feature = knowledge.features.get(sighting.model)
        if feature is not None and sighting.frames:
            by_feature[feature].append(sighting)
    predictions: list[Prediction] = []
    for feature, group in by_feature.items():
        seen = {sighting.model: _by_subject(sighting, knowledge) for sighting in group}
        times = {sighting.model: sorted(frame.time_s for frame in sighting.frames) for sighting in group}
        for subject in sorted({subject for of_model in seen.values() for subject in of_model}):
            found = {model: of_model.get(subject, []) for model, of_model in seen.items()}
            prediction = _judge(feature, subject, found, times, knowledge, duration_s)
            if prediction.probability >= _LEAST:
                predictions.append(prediction)
        if feature == "objects":
            predictions += _count_people(seen, knowledge)
            predictions += colours_of_objects(group, knowledge.labels, knowledge.calibrations)
    return sorted(predictions, key=lambda p: (-p.probability, p.feature, p.subject))


def _by_subject(sighting: Sighting, knowledge: Knowledge) -> dict[str, list[_Seen]]:
    groups = knowledge.groups.get(sighting.model, {})
    names = knowledge.labels.get(sighting.model, {})
    subjects: dict[str, list[_Seen]] = defaultdict(list)
    for frame in sighting.frames:
        boxes: dict[str, list[tuple[float, Box | None]]] = defaultdict(list)
        fitted = frame_scores(frame.findings, knowledge.calibrations.models.get(sighting.model))
        for finding in frame.findings:
            boxes[finding.name].append((finding.score, finding.box))
        scores = {label: max(score for score, _ in found) for label, found in boxes.items()}
        if sighting.model not in knowledge.only_groups:
            for label, found in boxes.items():
                score, box = max(found, key=lambda f: f[0])
                ranked = tuple(sorted((s for s, _ in found), reverse=True))
                subjects[names.get(label, label)].append(_Seen(frame.time_s, score, fitted[label], label, box, ranked))
        for name, score in roll_up(scores, groups).items():
            members = groups[name] & scores.keys()
            strongest = max(members, key=lambda label: (scores[label], label))
            subjects[name].append(_Seen(frame.time_s, score, score, strongest, None, (score,)))
    return subjects


def _judge(
    feature: str,
    subject: str,
    found: Mapping[str, Sequence[_Seen]],
    times: Mapping[str, Sequence[float]],
    knowledge: Knowledge,
    duration_s: float,
) -> Prediction:
    scores = {model: over_frames([s.fitted for s in seen], len(times[model])) for model, seen in found.items()}
    chance, calibrated = probability(scores, subject, knowledge.calibrations)
    places = sorted(
        ((s, model) for model, seen in found.items() for s in seen), key=lambda p: (-p[0].score, p[0].time_s, p[1])
    )
    frame_times = sorted({time for model in times for time in times[model]})
    spans = _spans(found, frame_times, subject, knowledge, duration_s) if len(frame_times) > 1 else ()
    return Prediction(
        feature=feature,
        subject=subject,
        probability=round(chance, 4),
        score=places[0][0].score,
        label=places[0][0].label,
        models=tuple(model for model, seen in found.items() if seen),
        calibrated=calibrated,
        spans_s=spans,
        evidence=tuple(Evidence(s.time_s, s.score, s.box, model) for s, model in _spread(places)),
    )


def _spread(places: Sequence[tuple[_Seen, str]]) -> list[tuple[_Seen, str]]:
    """The best few places, one a frame."""
    kept: dict[float, tuple[_Seen, str]] = {}
    for place in places:
        kept.setdefault(place[0].time_s, place)
        if len(kept) == _MOST_EVIDENCE:
            break
    return list(kept.values())


def _spans(
    found: Mapping[str, Sequence[_Seen]],
    frame_times: Sequence[float],
    subject: str,
    knowledge: Knowledge,
    duration_s: float,
) -> tuple[tuple[float, float], ...]:
    """Stretches where it is seen. A frame stands for the time up to halfway to its neighbours."""
    best: dict[float, dict[str, float]] = defaultdict(lambda: dict.fromkeys(found, 0.0))
    for model, seen in found.items():
        for s in seen:
            best[s.time_s][model] = s.fitted
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(frame_times))]
    edges.append(max(duration_s, frame_times[-1]))
    spans: list[tuple[float, float]] = []
    for time, start, end in zip(frame_times, edges, edges[1:], strict=False):
        if time not in best or probability(best[time], subject, knowledge.calibrations)[0] < _SEEN:
            continue
        if spans and spans[-1][1] >= start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple((round(a, 2), round(b, 2)) for a, b in spans)


def _count_people(seen: Mapping[str, Mapping[str, Sequence[_Seen]]], knowledge: Knowledge) -> list[Prediction]:
    """How many people are there at once: exactly 2, 3 … or a group, from the k-th best box of the best frame.

    Each model counts for itself (two models' boxes of one person are two boxes) and the mean of them is taken.
    """
    people = {model: subjects["person"] for model, subjects in seen.items() if "person" in subjects}
    if not people:
        return []
    at_least: list[float] = []
    calibrated = True
    for k in range(1, GROUP + 2):
        chances = []
        for model, frames in people.items():
            kth = [s.scores[k - 1] for s in frames if len(s.scores) >= k]
            chance, known = probability({model: max(kth, default=0.0)}, "person", knowledge.calibrations)
            chances.append(chance)
            calibrated &= known
        at_least.append(min(sum(chances) / len(chances), *at_least[-1:], 1.0))
    counts = {f"{k} people": at_least[k - 1] * (1 - at_least[k]) for k in range(2, GROUP)}
    counts["group"] = at_least[GROUP - 1]
    best_model, best = max(
        ((model, s) for model, frames in people.items() for s in frames), key=lambda p: (len(p[1].scores), p[1].score)
    )
    return [
        Prediction(
            feature=COUNTS,
            subject=name,
            probability=round(chance, 4),
            score=best.score,
            label="person",
            models=tuple(people),
            calibrated=calibrated,
            evidence=(Evidence(best.time_s, best.score, best.box, best_model),),
        )
        for name, chance in counts.items()
        if chance >= _LEAST
    ]
