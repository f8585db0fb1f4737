"""What an operation of a page works with: the data folder, Stash, and the store, each opened when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from tagger.errors import SetupError
from tagger.light.connection import Connection, find_api_key, from_server_connection
from tagger.light.data import snapshot
from tagger.light.environment import has_environment
from tagger.light.library import library_key, remember_key, remembered_key
from tagger.store import DATABASE_NAME, SqliteStore

_TIMEOUT_S = 20.0
_SERVER = "query Server { configuration { general { databasePath configFilePath } } }"


class Place:
    """``server`` is Stash's ``server_connection``: it goes on to a worker, and nowhere else."""

    def __init__(self, root: str, data: str, server: Mapping[str, Any]) -> None:
        self.root, self.data, self.server = root, Path(data), server

    @property
    def is_set_up(self) -> bool:
        """Whether there is something to look with, as far as a glance tells."""
        return has_environment(str(self.data))

    @cached_property
    def connection(self) -> Connection:
        connection = from_server_connection(self.server).with_api_key(find_api_key())
        if not snapshot(str(self.data)).get("verify_tls", True):
            connection = connection.without_tls_check()
        return connection

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Stash's answer. Raises LibraryError."""
        from tagger.light.rpc import call  # 15 ms, and few questions need Stash

        return call(self.connection, query, variables, _TIMEOUT_S)

    @cached_property
    def store(self) -> SqliteStore:
        """Raises SetupError before the set-up, StoreError, LibraryError."""
        if not self.is_set_up:
            raise SetupError("AI Tagger isn't set up yet: run 'Set up' on its page or under Settings, Tasks.")
        name = f"Stash at {self.connection.base_url}"
        return SqliteStore(self.data / DATABASE_NAME, self.key, name)

    @cached_property
    def key(self) -> str:
        """Which library it is. Raises LibraryError."""
        key = remembered_key(str(self.data), self.connection.dir)
        if not key:
            general = self.ask(_SERVER)["configuration"]["general"]
            key = library_key(general["databasePath"], general["configFilePath"])
            remember_key(str(self.data), self.connection.dir, key)
        return key

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()
