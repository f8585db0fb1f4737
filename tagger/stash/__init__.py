"""Stash as our library and our host: GraphQL, the queue of jobs."""

from tagger.stash.host import PLUGIN_ID, StashHost
from tagger.stash.library import StashLibrary
from tagger.stash.server import StashServer

__all__ = ["PLUGIN_ID", "StashHost", "StashLibrary", "StashServer"]
