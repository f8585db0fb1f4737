"""Which library of the store a Stash server is, so that a page's operation needs no question to the server."""

from __future__ import annotations

import json
import os

_NAME = "libraries.json"


def library_key(database_path: str, config_path: str) -> str:
    """From where the server keeps its database and configuration, which no address that it is reached by changes."""
    import hashlib

    identity = f"{database_path}\n{config_path}"
    return f"stash:{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def remembered_key(data: str, stash_dir: str) -> str:
    """The key of the server with this configuration folder, "" when nobody has noted it yet."""
    return _read(data).get(stash_dir, "")


def remember_key(data: str, stash_dir: str, key: str) -> None:
    """Note it, in place of another one. Raises OSError."""
    known = _read(data)
    if known.get(stash_dir) == key:
        return
    path = os.path.join(data, _NAME)
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        json.dump({**known, stash_dir: key}, file)
    os.replace(file.name, path)


def _read(data: str) -> dict[str, str]:
    try:
        with open(os.path.join(data, _NAME), encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
