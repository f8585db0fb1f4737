"""A small drawn library, in which the built-in recognizers are sure of what they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np


def picture(path: Path, *, colour: bool, seed: int = 0) -> Path:
    """A daylight scene of sky, field and things, in colour or in shades of grey; no two seeds give the same file."""
    rng = np.random.default_rng(seed)
    rgb: Any = np.zeros((240, 320, 3), np.uint8)
    rgb[:120] = (120, 180, 245)
    rgb[120:] = (70, 150, 60)
    for _ in range(12):
        x, y, size = (int(v) for v in rng.integers((0, 60, 12), (280, 200, 44)))
        shade = tuple(int(v) for v in rng.integers(30, 230, 3))
        cv2.rectangle(rgb, (x, y), (x + size, y + size), shade, -1)
    rgb = cv2.GaussianBlur(rgb, (3, 3), 0)
    if not colour:
        rgb = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    return path


def broken(path: Path) -> Path:
    """A file that has a picture's name and isn't one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no picture at all")
    return path
