"""Highlights: few, in the order of the scene, no moment twice, people first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tagger.library.highlights import MOST, highlights_of
from tagger.types import Decision, Evidence, Prediction, Verdict


def seen(
    tag: str, probability: float, *spans: tuple[float, float], feature: str = "objects", best_s: float | None = None,
    verdict: Verdict = "apply",
) -> Decision:  # fmt: skip
    evidence = (Evidence(best_s, 0.9),) if best_s is not None else ()
    said = Prediction(feature, tag.lower(), probability, 0.9, tag.lower(), ("m@1",), True, spans, evidence)
    return Decision(said, verdict, tag, "thresholds.apply", "")


def test_people_come_before_tags_and_hang_on_what_is_seen_meanwhile() -> None:
    found = highlights_of(
        [
            seen("Dog", 0.99, (0.0, 5.0), (40.0, 44.0)),
            seen("Sofa", 0.91, (50.0, 100.0)),
            seen("Ada", 0.8, (60.0, 70.0), feature="people"),
        ]
    )
    assert [(one.title, one.tag) for one in found] == [("Dog", "Dog"), ("Dog", "Dog"), ("Ada", "Sofa")]
    assert (found[-1].from_s, found[-1].to_s) == (60.0, 70.0), "the sofa behind her is no moment of its own"


def test_of_a_long_span_the_part_around_its_best_moment() -> None:
    (one,) = highlights_of([seen("Dog", 0.9, (10.0, 200.0), best_s=150.0), seen("Day", 0.99, (0.0, 300.0))])
    assert (one.title, one.from_s, one.to_s) == ("Dog", 135.0, 165.0)


def test_what_only_waits_or_is_there_all_the_time_is_none() -> None:
    assert highlights_of([seen("Dog", 0.8, (1.0, 3.0), verdict="review"), seen("Day", 1.0, (0.0, 60.0))]) == []
    assert highlights_of([]) == []


def test_the_share_of_the_scene_is_of_the_scene() -> None:
    early = [seen("Dog", 0.9, (2.0, 60.0))]
    assert highlights_of(early) == [], "as far as anybody knows it is all that there is"
    assert [one.title for one in highlights_of(early, duration_s=600.0)] == ["Dog"]


_SPAN = st.tuples(st.integers(0, 300), st.integers(1, 120)).map(lambda at: (float(at[0]), float(at[0] + at[1])))
_SEEN = st.builds(
    lambda tag, probability, spans, feature: seen(tag, probability, *spans, feature=feature),
    st.sampled_from(["Dog", "Cat", "Sofa", "Ada"]),
    st.floats(0.5, 1.0),
    st.lists(_SPAN, min_size=1, max_size=4),
    st.sampled_from(["objects", "people"]),
)


@given(st.lists(_SEEN, max_size=6))
def test_they_are_few_in_order_inside_of_what_was_seen_and_no_moment_twice(decisions: list[Decision]) -> None:
    found = highlights_of(decisions)
    assert len(found) <= MOST and [one.from_s for one in found] == sorted(one.from_s for one in found)
    spans = {d.tag: [*(s for o in decisions if o.tag == d.tag for s in o.prediction.spans_s)] for d in decisions}
    for i, one in enumerate(found):
        assert any(begin <= one.from_s < one.to_s <= end for begin, end in spans[one.title])
        for other in found[i + 1 :]:
            both = min(one.to_s, other.to_s) - max(one.from_s, other.from_s)
            assert both <= 0.5 * min(one.to_s - one.from_s, other.to_s - other.from_s)
