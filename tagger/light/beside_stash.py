"""A terminal beside a Stash that has the plugin: both shall know the same, so they use the same data folder."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from tagger.errors import LibraryError
from tagger.light.connection import find_api_key, from_url
from tagger.light.hook import PLUGIN_ID
from tagger.light.log import TerminalLog
from tagger.light.rpc import call

_WHERE = "query Where { configuration { general { configFilePath } } plugins { id } }"
_TIMEOUT_S = 10.0


def plugins_data(url: str, key_file: str, settings: Sequence[str], otherwise: str, log: TerminalLog) -> str:
    """The data folder of the plugin in the Stash at ``url``, or ``otherwise``; says which, where that isn't plain.

    ``settings`` are those of this call, as "key=value". A server that gives no answer is left to whoever needs one.
    Raises ConfigError as :func:`from_url` does.
    """
    connection = from_url(url, find_api_key(key_file))
    if _trusts_everybody(settings, otherwise):
        connection = connection.without_tls_check()
    try:
        answer = call(connection, _WHERE, timeout_s=_TIMEOUT_S)
    except LibraryError:
        return otherwise
    stashs = os.path.dirname(answer["configuration"]["general"]["configFilePath"])
    folder = os.path.join(stashs, "ai_tagger")
    is_here = os.path.isabs(stashs) and os.path.isdir(stashs) and _is_this_machine(connection.base_url)
    cannot = _what_hinders(folder) if is_here and os.path.isdir(folder) else "isn't on this machine"
    if not cannot:
        log.say(f"Using the data folder of the plugin in this Stash: {folder}")
        return folder
    has_plugin = any(plugin["id"] == PLUGIN_ID for plugin in answer["plugins"] or ())
    if has_plugin and (os.path.isdir(folder) or not is_here):
        log.warn(
            f"The plugin in this Stash keeps its data in {folder}, which {cannot}: {otherwise} is used, which knows "
            "nothing of the plugin's runs (--data DIR names another folder)."
        )
    return otherwise


def _what_hinders(folder: str) -> str:
    """Why this user shouldn't work there, or "": files that another user leaves (root may do so anywhere) can't be
    opened by the plugin any more, since its databases are for one user only."""
    if hasattr(os, "geteuid") and os.stat(folder).st_uid != os.geteuid():
        return "belongs to another user (run this as that one)"
    return "" if os.access(folder, os.W_OK) else "can't be written by this user"


def _is_this_machine(url: str) -> bool:
    """Only our own addresses can be listened on."""
    try:
        places = socket.getaddrinfo(urlsplit(url).hostname, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, _, _, address in places:
        try:
            with socket.socket(family, kind) as ours:
                ours.bind(address)
                return True
        except OSError:
            continue
    return False


def _trusts_everybody(settings: Sequence[str], data: str) -> bool:
    """Whether ``stash.self_signed`` is on: YAML is the heavy half's, which runs in the folder that is looked for."""
    try:
        with open(os.path.join(data, "config.yml"), encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        text = ""
    return "stash.self_signed=true" in settings or bool(re.search(r"^\s+self_signed:\s*true\b", text, re.MULTILINE))
