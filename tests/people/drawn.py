"""Made-up faces: unit vectors whose cosines are spread as a real embedder's are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tagger.people.likeness import Likeness
from tagger.people.templates import Known

Floats = npt.NDArray[np.float32]
DIMENSIONS = 128
LIKENESS = Likeness(0.58, 0.12, 0.0, 0.09, fitted=True)


class Cast:
    """``people`` made-up persons; ``faces`` draws views of one of them (about ``alike`` to each other)."""

    def __init__(self, people: int, seed: int = 0, alike: float = 0.65) -> None:
        self.rng = np.random.default_rng(seed)
        self.alike = alike
        self.centres = unit(self.rng.standard_normal((people, DIMENSIONS)))

    def faces(self, person: int, count: int) -> Floats:
        noise = unit(self.rng.standard_normal((count, DIMENSIONS)))
        return unit(np.sqrt(self.alike) * self.centres[person] + np.sqrt(1 - self.alike) * noise)

    def known(self, person: int, count: int = 3) -> Known:
        return Known(f"p{person}", self.faces(person, count), np.ones(count, np.float32))


def unit(rows: npt.NDArray[np.floating]) -> Floats:
    scaled: Floats = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return scaled
