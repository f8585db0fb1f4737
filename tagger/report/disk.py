"""What the disk refuses, in words a person can use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagger.errors import StoreError


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the writing inside into one sentence about ``path``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"{path} can't be written ({reason}): make room or allow writing there, then run it again."
        ) from error
