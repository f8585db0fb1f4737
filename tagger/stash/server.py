"""A Stash server as the adapters of this package see it: one way to ask it, with a login that outlives the session."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tagger.errors import LibraryAuthError
from tagger.light.connection import Connection
from tagger.stash import queries
from tagger.stash.wire import Wire


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself. Paths are on the server's machine."""

    database_path: str
    config_path: str
    backup_dir: str


class StashServer:
    """Asks a Stash server; safe to use from several threads.

    The session that Stash gives a plugin dies after an hour, so with the first request the API key, if the server has
    one, joins it. Both are sent: the session carries Stash's guard against hook loops.
    """

    def __init__(self, connection: Connection, timeout_s: float = 60.0) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._facts: ServerFacts | None = None
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    def _wire(self, connection: Connection) -> Wire:
        """This thread's own: a session of HTTP isn't to be shared among threads."""
        wire: Wire | None = getattr(self._of_thread, "wire", None)
        if wire is None or wire.connection is not connection:
            wire = self._of_thread.wire = Wire(connection)
        return wire

    @property
    def connection(self) -> Connection:
        """The connection with every login there is, for whoever fetches media."""
        self.facts()
        return self._connection

    def facts(self) -> ServerFacts:
        """Asked once."""
        with self._lock:
            if self._facts is None:
                self._facts = self._introduce()
            return self._facts

    def call(
        self, query: str, variables: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """The answer's ``data``. Raises LibraryError as :func:`tagger.light.rpc.call` does."""
        self.facts()
        used = self._connection
        try:
            return self._wire(used).call(query, variables, timeout_s or self._timeout_s)
        except LibraryAuthError:
            if not (used.cookie and used.api_key):
                raise
        with self._lock:
            if self._connection is used:
                self._facts = self._introduce()
        return self._wire(self._connection).call(query, variables, timeout_s or self._timeout_s)

    def _introduce(self) -> ServerFacts:
        """Stash judges by the key alone when there is one, so a wrong one (or one made anew while we run) is left out
        when there is a session too, and the right one asked for."""
        try:
            general = self._wire(self._connection).call(queries.SERVER, None, self._timeout_s)["configuration"][
                "general"
            ]
        except LibraryAuthError:
            if not (self._connection.cookie and self._connection.api_key):
                raise
            self._connection = self._connection.with_api_key("")
            return self._introduce()
        if general["apiKey"] and not self._connection.api_key:
            self._connection = self._connection.with_api_key(general["apiKey"])
        return ServerFacts(general["databasePath"], general["configFilePath"], general["backupDirectoryPath"])
