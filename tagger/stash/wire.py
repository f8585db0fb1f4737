"""GraphQL to a Stash server over ``stashapp-tools``: one HTTP session that stays open, with our timeouts and errors.

Its ``GQLWrapper`` is used without the three introspection requests of ``StashInterface``. What it leaves to chance is
settled here: a request without a timeout, a redirect to the login page that is followed, a proxy from the environment
for a server on this machine, and errors that lose Stash's own message, which tells a missing id from a dead session.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import requests
import urllib3
from stashapi.classes import GQLWrapper

from tagger.light import rpc
from tagger.light.connection import Connection

_SILENT = logging.Logger("silent")  # The wrapper logs queries and variables of requests that fail.
_SILENT.disabled = True


class _Session(requests.Session):
    """Every request with a timeout, and none that goes anywhere else than it was sent."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = connection.verify_tls
        if not connection.verify_tls:  # A person allowed it; urllib3 would say so in the log at every request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.headers.update({"Accept": "application/json", **connection.headers()})
        self.timeout_s = 60.0

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(*args, **{**kwargs, "timeout": self.timeout_s, "allow_redirects": False})


class Wire(GQLWrapper):  # type: ignore[misc]
    """Asks one server; not for several threads at once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.url = f"{connection.base_url}/graphql"
        self.fragments: dict[str, str] = {}
        self.log = _SILENT
        self.s = _Session(connection)

    def call(self, query: str, variables: Mapping[str, Any] | None, timeout_s: float) -> dict[str, Any]:
        """The answer's ``data``. ``timeout_s`` is for each wait on the network. Raises as ``rpc.call`` does."""
        self.s.timeout_s = timeout_s
        try:
            data: dict[str, Any] = self.call_GQL(query, dict(variables or {}))
        except requests.exceptions.SSLError as error:
            raise rpc.untrusted(self.connection, "nobody known vouches for it") from error
        except requests.exceptions.Timeout:
            raise rpc.no_answer(self.connection, "it took too long") from None
        except (requests.exceptions.InvalidHeader, ValueError):
            # Its own text would quote the credential.
            raise rpc.no_answer(self.connection, "a credential holds characters that a header can't") from None
        except requests.exceptions.RequestException as error:
            raise rpc.no_answer(self.connection, _reason(error)) from None
        return data

    def _handle_GQL_response(self, response: requests.Response) -> dict[str, Any]:  # noqa: N802
        return rpc.read_answer(self.connection, response.status_code, response.content)


def _reason(error: BaseException) -> str:
    """The system's own words, from the innermost of the wrapped errors."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        inner = getattr(seen, "reason", None) or next((a for a in seen.args if isinstance(a, BaseException)), None)
        seen = inner if isinstance(inner, BaseException) else None
    return "the connection broke"
