"""The store: one SQLite file for what we remember, and the lock that lets one worker at a time work on it.

Standard library only, so that a page's operation can open it from a light process.
"""

from tagger.store.leaving import Kept
from tagger.store.lock import Holder, holder, wanted, worker_lock
from tagger.store.sqlite import DATABASE_NAME, SqliteStore

__all__ = ["DATABASE_NAME", "Holder", "Kept", "SqliteStore", "holder", "wanted", "worker_lock"]
