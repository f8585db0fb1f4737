"""The video readers by their names in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tagger.media.videos import Reader


def reader_named(name: str) -> Reader:
    """``keyframes`` (PyAV), ``opencv`` or ``sprite``; imports only what that one needs."""
    if name == "opencv":
        from tagger.media.opencv import OpenCvReader

        return OpenCvReader()
    from tagger.media.keyframes import KeyframeReader

    if name == "sprite":
        from tagger.media.sprite import SpriteReader

        return SpriteReader(otherwise=KeyframeReader())
    return KeyframeReader()
