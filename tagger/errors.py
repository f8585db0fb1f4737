"""The error tree. Every message is one sentence that says what happened and what to do; standard library only.

::

    TaggerError                 exit code 2: could not run
    ├── ConfigError             a key or value of the configuration is wrong (names key, value, what is allowed)
    ├── SetupError              the private environment is missing, broken or can't be made
    ├── ModelError              a model's yaml, file or download is wrong or missing
    ├── EngineError             the inference backend can't run (GPU gone, provider missing)
    ├── MediaError              one item can't be decoded: costs that item, with its reason
    │   └── MediaGoneError      its drive or folder isn't there: ends the run instead of failing every item
    ├── LibraryError            Stash (or the folder) refused or can't be reached
    │   ├── LibraryDownError    can't be reached, or not any more: ends the run, nothing is marked
    │   ├── LibraryAuthError    it wants a login: session expired, API key missing or wrong
    │   └── LibraryRefusedError it answered with an error, for example for an id that doesn't exist
    ├── StoreError              our own database can't be read or written (disk full, newer version)
    └── BusyError               another worker holds the data folder
"""

from __future__ import annotations


class TaggerError(Exception):
    """The base of all errors with a message for a person."""


class ConfigError(TaggerError):
    """The configuration is wrong."""


class SetupError(TaggerError):
    """The private environment is missing, broken or can't be made."""


class ModelError(TaggerError):
    """A model's yaml, file or download is wrong or missing."""


class EngineError(TaggerError):
    """The inference backend can't run."""


class MediaError(TaggerError):
    """One item can't be decoded; only that item is lost."""


class MediaGoneError(MediaError):
    """The place where media lie isn't there; the run ends and marks nothing."""


class LibraryError(TaggerError):
    """Stash, or the folder, refused or can't be reached."""


class LibraryDownError(LibraryError):
    """The library can't be reached; the run ends and marks nothing."""


class LibraryAuthError(LibraryError):
    """The library wants a login."""


class LibraryRefusedError(LibraryError):
    """The library answered with an error."""


class StoreError(TaggerError):
    """Our own database can't be read or written."""


class BusyError(TaggerError):
    """Another worker holds the data folder."""


def unforeseen(error: BaseException) -> str:
    """What is said of an error that is none of these: its kind and place help whoever mends it; its text might quote a
    secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1] if trace else ""
    place = f"{file}:{trace.tb_lineno}" if trace else "an unknown place"
    return f"AI Tagger failed in a way nobody foresaw ({type(error).__name__} in {place}): please report this line."
