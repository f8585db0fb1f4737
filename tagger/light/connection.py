"""How a Stash server is reached: from what Stash writes to our stdin, or from an address that a person gives.

Stash's ``server_connection`` is scheme, host and port that it listens on itself: no sub-path, no external host (those
belong to a proxy in front of it; ``pkg/plugin/plugins.go``). A person's ``--stash URL`` may have a sub-path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tagger.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

API_KEY_VARIABLE = "AI_TAGGER_STASH_API_KEY"

_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


# User and password of an address: after "://" (an unquoted slash in the password, too), or before a host alone.
_LOGINS = (
    r"(://)[^\s/\"']*@",
    r"(://)[^\s/:\"']*:(?!\d+(?:/|$))[^\s\"']*@",
    r"(^|[\s\"'])[^\s/:\"'@]+:[^\s/\"'@]+@",
)


def without_logins(text: str) -> str:
    """What a log may show of a text with addresses in it: ``http://***@proxy:3128``."""
    for login in _LOGINS:
        text = re.sub(login, r"\1***@", text)
    return text


def host_of(url: str) -> str:
    """Host, and port where one is given, of an address; "" when it has none. Never its user or password."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A credential that no log shows by accident; ``reveal()`` is only for a request's header. Empty = none."""

    _value: str = ""

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Connection:
    """A server's address and what it takes to be let in.

    ``base_url`` has no slash at its end. ``dir`` is Stash's configuration folder, "" when we weren't started by
    Stash.
    """

    base_url: str
    cookie_name: str = "session"
    cookie: Secret = field(default_factory=Secret)
    api_key: Secret = field(default_factory=Secret)
    verify_tls: bool = True
    dir: str = ""

    def headers(self) -> dict[str, str]:
        """What to send with every request, media too: the session (it carries Stash's guard against hook loops), and
        the API key, which still works when the session has expired."""
        headers = {}
        if self.cookie:
            headers["Cookie"] = f"{self.cookie_name}={self.cookie.reveal()}"
        if self.api_key:
            headers["ApiKey"] = self.api_key.reveal()
        return headers

    def with_api_key(self, api_key: str) -> Connection:
        """The same server with this key ("" = without one)."""
        return replace(self, api_key=Secret(api_key))

    def without_tls_check(self) -> Connection:
        """The same server, whoever signed its certificate."""
        return replace(self, verify_tls=False)


def from_server_connection(given: Mapping[str, Any]) -> Connection:
    """What Stash writes to a plugin's stdin under ``server_connection``. Raises ConfigError."""
    try:
        scheme = str(given.get("Scheme") or "http")
        host = str(given.get("Host") or "").strip("[]")
        host = _EVERYWHERE.get(host, host)
        port = int(given.get("Port") or 9999)
        cookie = given.get("SessionCookie") or {}
        name, value = str(cookie.get("Name") or "session"), str(cookie.get("Value") or "")
    except (AttributeError, TypeError, ValueError):
        # The original error could quote the cookie.
        raise ConfigError("Stash's server_connection can't be read: is this really Stash's input?") from None
    return Connection(
        base_url=f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}",
        cookie_name=name,
        cookie=Secret(value),
        dir=str(given.get("Dir") or ""),
    )


def from_url(url: str, api_key: str = "") -> Connection:
    """What a person gives: ``http://host:9999``, ``https://host/stash/``. Raises ConfigError."""
    try:
        parts = urlsplit(url.strip() if "://" in url else f"http://{url.strip()}")
        port = parts.port
    except ValueError:
        raise ConfigError("The address of Stash can't be read: give it as http://host:9999.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("The address of Stash has to be like http://host:9999 or https://host/stash.")
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not quoted: it may hold a password or a key.
        raise ConfigError(
            f"The address of Stash may hold no user, password or query: the API key goes into {API_KEY_VARIABLE}."
        )
    path = parts.path.rstrip("/").removesuffix("/graphql").rstrip("/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Connection(
        base_url=f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}",
        api_key=Secret(api_key.strip()),
    )


def find_api_key(file: str | Path = "", environment: Mapping[str, str] = os.environ) -> str:
    """The API key from ``file``, else from the environment, else "". Raises ConfigError when the file can't be read."""
    if not file:
        return environment.get(API_KEY_VARIABLE, "").strip()
    try:
        with open(os.path.expanduser(file), encoding="utf-8") as opened:
            return opened.read().strip()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is no text"
        raise ConfigError(f"The API key's file {file} can't be read ({reason}).") from None
