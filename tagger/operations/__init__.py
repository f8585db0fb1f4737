"""The operations, one function each: what tasks, pages and the terminal can ask for. Both doors use this one table."""

from __future__ import annotations

from collections.abc import Mapping

from tagger.operations import deciding, leaving, line, marking, measuring, modelling, peopling, saying, telling
from tagger.operations.line import look_json
from tagger.operations.operation import COULD_NOT_RUN, DONE, SOME_FAILED, Answer, Operation, Wish

OPERATIONS: Mapping[str, Operation] = {
    **line.ENTRIES,
    **telling.ENTRIES,
    **modelling.ENTRIES,
    **deciding.ENTRIES,
    **marking.ENTRIES,
    **saying.ENTRIES,
    **leaving.ENTRIES,
    **peopling.ENTRIES,
    **measuring.ENTRIES,
}

__all__ = ["COULD_NOT_RUN", "DONE", "OPERATIONS", "SOME_FAILED", "Answer", "Wish", "look_json"]
