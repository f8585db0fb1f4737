"""An engine that answers with what a function makes of the feeds: no backend, no weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tagger.errors import EngineError

if TYPE_CHECKING:
    from tagger.ports import Tensor


class FakeEngine:
    """``answer(feeds)`` gives the outputs by name; ``first_input`` is what a feed named "" means.

    ``calls`` holds the shapes that were fed, call by call. What ``answer`` raises comes out as EngineError.
    """

    def __init__(self, answer: Callable[[Mapping[str, Tensor]], dict[str, Tensor]], first_input: str = "input") -> None:
        self._answer = answer
        self._first_input = first_input
        self.calls: list[dict[str, tuple[int, ...]]] = []

    def infer(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """All outputs by name. Raises EngineError."""
        named = {name or self._first_input: tensor for name, tensor in feeds.items()}
        self.calls.append({name: tensor.shape for name, tensor in named.items()})
        try:
            return self._answer(named)
        except Exception as error:
            raise EngineError(f"the fake engine failed: {error}") from error
