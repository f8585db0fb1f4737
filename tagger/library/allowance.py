"""How many of our tags may be taken back before a person is asked."""

from __future__ import annotations

from dataclasses import replace

from tagger.ports import Settlement, Store

MOST_AT_ONCE = 500
MOST_SHARE = 0.05
_FEW = 20  # a run of "Tag library" can't ask: so many it may take back however few are ours


def allowed(ours: int) -> int:
    """So many of ``ours`` are taken back without asking."""
    return min(MOST_AT_ONCE, int(MOST_SHARE * ours))


class Allowance:
    """What one run may take back. What it withholds stays ours, and "Decide again" finds it."""

    def __init__(self, store: Store) -> None:
        self._left = max(_FEW, allowed(store.summary()["ours"]))

    def brake(self, settlement: Settlement) -> Settlement:
        """The settlement with as many removals as are left."""
        removals = [plan for plan in settlement.plans if plan.action == "remove"]
        if len(removals) <= self._left:
            self._left -= len(removals)
            return settlement
        return replace(settlement, plans=tuple(plan for plan in settlement.plans if plan.action == "add"))
