"""After a run: the queue for review is put in order, and some applied tags are drawn for an audit, so that a page finds
both ready."""

from __future__ import annotations

import io
import zlib
from itertools import pairwise

from tagger.ports import Store
from tagger.types import Thumb

AUDITS_READY = 60
_HASHES_A_RUN = 20_000
_SIDE = 4


def prepare(store: Store) -> None:
    """Order what waits; of pictures that look alike one comes first."""
    hashes = []
    for fingerprint in store.unhashed(_HASHES_A_RUN):
        thumbs = store.thumbs(fingerprint)
        hashes.append((fingerprint, alike(thumbs[len(thumbs) // 2]) if thumbs else _of_text(fingerprint)))
    if hashes:
        store.put_hashes(hashes)
    store.reorder()
    store.draw_audits(AUDITS_READY)


def alike(thumb: Thumb) -> int:
    """A number that pictures have in common when they look alike: which of 4×4 fields is brighter than its right
    neighbour (a difference hash). A picture that can't be read is alike to nothing else."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(thumb.jpeg)) as picture:
            grey = picture.convert("L").resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    except (OSError, ValueError):
        return _of_text(thumb.jpeg.hex())
    values = grey.tobytes()
    bits = 0
    for y in range(_SIDE):
        row = values[y * (_SIDE + 1) : (y + 1) * (_SIDE + 1)]
        for left, right in pairwise(row):
            bits = bits * 2 + (left > right)
    return bits


def _of_text(text: str) -> int:
    """Some number beyond all hashes of pictures."""
    return 2**40 + zlib.crc32(text.encode())
