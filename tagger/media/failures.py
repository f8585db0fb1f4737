"""Why a file can't be had, where it isn't the file's own fault."""

from __future__ import annotations

from tagger.errors import MediaError


class PlaceGoneError(MediaError):
    """Not this file is missing but the ``place`` it lies in: a drive, a share, a server."""

    def __init__(self, message: str, place: str) -> None:
        super().__init__(message)
        self.place = place


class NotServedError(MediaError):
    """The server answers, but can't read the file at ``url`` itself."""

    def __init__(self, message: str, url: str) -> None:
        super().__init__(message)
        self.url = url
