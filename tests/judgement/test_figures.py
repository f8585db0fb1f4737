"""What persons read of a share never says more than there is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tagger.figures import against, decimal, limit, percent
from tagger.judgement.decide import Court, Policy
from tagger.types import Row

shares = st.integers(0, 10_000).map(lambda n: n / 10_000)  # as they are stored
limits = st.one_of(st.integers(0, 100).map(lambda n: n / 100), shares)


@given(shares, limits)
def test_what_is_below_a_limit_is_never_shown_as_the_limit(share: float, bar: float) -> None:
    shown, at = against(share, bar)
    assert (float(shown.removesuffix(" %")) >= float(at.removesuffix(" %"))) == (share >= bar)


@given(shares)
def test_a_share_is_shown_as_less_by_under_a_hundredth(share: float) -> None:
    for shown in (float(decimal(share)), int(percent(share).removesuffix(" %")) / 100):
        assert shown <= share + 1e-12 and share - shown < 0.01


@pytest.mark.parametrize(
    ("share", "shown"), [(0.29, "29 %"), (0.58, "58 %"), (0.8999, "89 %"), (0.9, "90 %"), (1.0, "100 %")]
)
def test_what_has_reached_a_percent_shows_it(share: float, shown: str) -> None:
    assert percent(share) == shown and limit(0.905) == "90.5 %" and limit(0.9) == "90 %"


@given(shares, st.lists(limits, min_size=3, max_size=3).map(sorted))
def test_whoever_follows_the_advice_gets_another_verdict(share: float, bars: list[float]) -> None:
    assume(share < 1)
    policy = Policy(keep=bars[0], review=bars[1], apply=bars[2])
    seen = Row("scenes", "beach", share, True, -1.0)
    ((_, _, said),) = Court(policy).explain([seen], frozenset({"beach"}))
    advised = re.match(r"(?:Lower|Raise) thresholds\.(\w+) to (\d+\.\d+)", said.otherwise)
    assert advised is not None, said
    moved: Any = {advised[1]: float(advised[2])}
    followed = replace(policy, **moved)
    ((_, _, after),) = Court(followed).explain([seen], frozenset({"beach"}))
    assert after.verdict != said.verdict
