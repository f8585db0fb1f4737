"""One GraphQL request over the standard library, with every failure as one sentence of :mod:`tagger.errors`.

The light half speaks to Stash through :func:`call`; the heavy half through ``stashapp-tools`` (``tagger.stash.wire``),
whose 100 ms of import a hook can't afford. Both read answers with :func:`read_answer`.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tagger.errors import LibraryAuthError, LibraryDownError, LibraryRefusedError
from tagger.light.connection import API_KEY_VARIABLE, Connection

_LONGEST_MESSAGE = 300
# What SQLite and Go say when it is the server that can't, and not the request that is wrong. SQLite: sqlite3ErrStr().
_SERVERS_TROUBLE = (
    "disk I/O error",
    "database or disk is full",
    "unable to open database file",
    "database disk image is malformed",
    "attempt to write a readonly database",
    "out of memory",
    "context canceled",
    "context deadline exceeded",
    "internal system error",
)


def call(
    connection: Connection, query: str, variables: Mapping[str, Any] | None = None, timeout_s: float = 60.0
) -> dict[str, Any]:
    """The answer's ``data``. ``timeout_s`` is for each wait on the network, not for the whole.

    Raises LibraryDownError (no answer, a broken one, or a server in trouble: what was asked for may have been done all
    the same), LibraryAuthError (it wants a login) or LibraryRefusedError (with Stash's own message: nothing was done).
    """
    body = json.dumps({"query": query, "variables": dict(variables or {})}).encode()
    return read_answer(connection, *_post(connection, body, timeout_s))


def read_answer(connection: Connection, status: int, answer: bytes) -> dict[str, Any]:
    """The ``data`` of an HTTP answer. Raises as :func:`call` does."""
    if status == 401 or 300 <= status < 400:
        raise LibraryAuthError(f"Stash at {connection.base_url} wants a login (HTTP {status}): {_key(connection)}")
    if status == 403:
        raise LibraryAuthError(f"Stash at {connection.base_url} refuses access (HTTP 403): see Stash's own log.")
    if status == 404:
        raise LibraryDownError(f"There is no Stash at {connection.base_url} (HTTP 404): check the address.")
    try:
        content = json.loads(answer)
        errors, data = content.get("errors"), content.get("data")
    except (ValueError, AttributeError):
        raise LibraryDownError(
            f"{connection.base_url} answered with HTTP {status} and not as Stash does: check the address, or try again."
        ) from None
    if errors:
        raise _refusal(errors)
    if status != 200 or not isinstance(data, dict):
        raise LibraryDownError(f"Stash at {connection.base_url} failed with HTTP {status}: see Stash's own log.")
    return data


def _key(connection: Connection) -> str:
    """What is missing; a plugin, which Stash starts itself, is given no options."""
    if connection.cookie or connection.dir:
        return (
            "the session has expired or the API key is missing or wrong; make an API key in Stash's Settings, Security."
        )
    give = f"with --api-key-file FILE or {API_KEY_VARIABLE}"
    if connection.api_key:
        return f"it doesn't know this API key; copy the one in its Settings, Security, and give that {give}."
    return f"no API key was given; make one in its Settings, Security, and give it {give}."


def _post(connection: Connection, body: bytes, timeout_s: float) -> tuple[int, bytes]:
    url = urlsplit(connection.base_url)
    link: http.client.HTTPConnection
    if url.scheme == "https":
        context = ssl.create_default_context()
        if not connection.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        link = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=timeout_s, context=context)
    else:
        link = http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout_s)
    headers = {"Content-Type": "application/json", "Accept": "application/json", **connection.headers()}
    try:
        link.request("POST", f"{url.path}/graphql", body, headers)
        response = link.getresponse()
        return response.status, response.read()
    except ssl.SSLCertVerificationError as e:
        raise untrusted(connection, e.verify_message) from None
    except (OSError, http.client.HTTPException, ValueError) as e:
        raise no_answer(connection, "it took too long" if isinstance(e, TimeoutError) else _reason(e)) from None
    finally:
        link.close()


def untrusted(connection: Connection, reason: str) -> LibraryDownError:
    """What is said of a certificate that nobody vouches for."""
    return LibraryDownError(
        f"The certificate of {connection.base_url} is not trusted ({reason}): "
        "allow it with stash.self_signed in config.yml if you signed it yourself."
    )


def no_answer(connection: Connection, reason: str) -> LibraryDownError:
    """What is said of a server that can't be reached."""
    return LibraryDownError(
        f"Stash at {connection.base_url} gives no answer ({reason}): see that it runs, then try again."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError):
        return "a credential holds characters that a header can't"  # Its own text would quote the credential.
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _refusal(errors: Any) -> LibraryRefusedError | LibraryDownError:
    messages = [str(e.get("message", "")) if isinstance(e, dict) else str(e) for e in errors]
    text = " ".join("; ".join(messages).split())[:_LONGEST_MESSAGE]
    if "database is locked" in text:
        return LibraryDownError("Stash's database is busy: try again when its other work is done.")
    if any(trouble in text for trouble in _SERVERS_TROUBLE):
        return LibraryDownError(f"Stash failed ({text}): see Stash's own log and its disk, then try again.")
    return LibraryRefusedError(f"Stash refused: {text or 'without a reason'}")
