"""A double of Stash for tests; see :class:`StashDouble`."""

from tests.double.server import Session, StashDouble

__all__ = ["Session", "StashDouble"]
