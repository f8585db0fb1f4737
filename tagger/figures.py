"""Shares as persons read them: rounded down, since what is shown as the limit has to have reached it. Pure."""

from __future__ import annotations

import math

_HAIR = 1e-9  # 0.29 · 100 is 28.999999999999996
_MOST_DIGITS = 2


def percent(share: float, digits: int = 0) -> str:
    """``93 %``, rounded down."""
    return f"{down(share * 100, digits):.{digits}f} %"


def decimal(share: float) -> str:
    """``0.93``, rounded down."""
    return f"{down(share, 2):.2f}"


def limit(share: float) -> str:
    """A limit as it was set, ``90 %`` or ``90.5 %``."""
    return f"{round(share * 100, _MOST_DIGITS):g} %"


def against(share: float, bar: float) -> tuple[str, str]:
    """A share and the limit that it is held against, with as many digits as the limit has."""
    shown = limit(bar)
    return percent(share, len(shown.removesuffix(" %").partition(".")[2])), shown


def down(value: float, digits: int) -> float:
    """``value`` with so many digits behind the point, rounded down."""
    whole: int = 10**digits
    return math.floor(value * whole + _HAIR) / whole


def next_decimal(share: float) -> float:
    """The least hundredth above ``share``; 1 where there is none below."""
    return min(1.0, down(share, 2) + 0.01)
