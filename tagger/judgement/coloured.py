"""Things of a colour ("red car"), from the pixels of their boxes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tagger.judgement.calibration import Calibrations, logistic, over_frames, probability
from tagger.types import Evidence, Label, Prediction, Sighting

FEATURE = "object_colours"
_LEAST = 0.05
_HALF_SHARE, _STEEPNESS = 0.40, 12.0
_NO_COLOUR = frozenset({"person"})  # The colour of a person's box is that of the clothes, or of the skin.


def colour_chance(share: float) -> float:
    """How likely a box is of the colour that takes this share of its inner pixels: an even chance at two fifths.

    Set by hand, not fitted: nobody has written down the colours of enough boxes. So what rests on it isn't calibrated.
    """
    return logistic(_STEEPNESS * (share - _HALF_SHARE))


def colours_of_objects(
    sightings: Sequence[Sighting], labels: Mapping[str, Mapping[str, str]], calibrations: Calibrations
) -> list[Prediction]:
    """``"red car"`` with the probability that the car is there times that it is red, for the best box of each.

    ``labels`` maps a model's raw label to its subject. A video's frames count as they do for the thing alone.
    """
    found: dict[tuple[str, str], dict[str, list[tuple[float, Label]]]] = defaultdict(lambda: defaultdict(list))
    frames = {sighting.model: len(sighting.frames) for sighting in sightings}
    for sighting in sightings:
        names = labels.get(sighting.model, {})
        for frame in sighting.frames:
            for finding in frame.findings:
                subject = names.get(finding.name, finding.name)
                if finding.colour is not None and finding.box is not None and subject not in _NO_COLOUR:
                    found[finding.colour[0], subject][sighting.model].append((frame.time_s, finding))
    predictions = [
        _prediction(colour, subject, by_model, frames, calibrations) for (colour, subject), by_model in found.items()
    ]
    return [prediction for prediction in predictions if prediction.probability >= _LEAST]


def _prediction(
    colour: str,
    subject: str,
    by_model: Mapping[str, Sequence[tuple[float, Label]]],
    frames: Mapping[str, int],
    calibrations: Calibrations,
) -> Prediction:
    """Each model for itself (two models' boxes of one car are two boxes), and the surest of them."""
    places = sorted(
        ((time_s, one, model) for model, seen in by_model.items() for time_s, one in seen),
        key=lambda place: (-place[1].score, place[0], place[2], place[1].box or ()),
    )
    chances = []
    for model, seen in by_model.items():
        best: dict[float, float] = {}
        for time_s, one in seen:
            best[time_s] = max(one.score, best.get(time_s, 0.0))
        score = over_frames(list(best.values()), frames[model])
        chances.append(probability({model: score}, subject, calibrations)[0])
    surest = places[0][1]
    share = max(one.colour[1] for _, one, _ in places if one.colour and one.score == surest.score)
    return Prediction(
        feature=FEATURE,
        subject=f"{colour} {subject}",
        probability=round(max(chances) * colour_chance(share), 4),
        score=surest.score,
        label=surest.name,
        models=tuple(sorted(by_model)),
        calibrated=False,
        evidence=tuple(Evidence(time_s, one.score, one.box, model) for time_s, one, model in places[:4]),
    )
