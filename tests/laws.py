"""How many examples a law is tried on: some at every change, all of them when a thorough run is asked for."""

from __future__ import annotations

import os

_EVERY_TIME = 4  # one of so many


def examples(most: int) -> int:
    """Of ``most``."""
    return most if os.environ.get("AI_TAGGER_TEST_THOROUGH") else max(4, most // _EVERY_TIME)
