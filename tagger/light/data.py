"""Where our data lie: environment, models, database, settings; never in the plugin's folder, which an update replaces.

Paths are plain strings in the light half: importing pathlib costs a hook 12 ms.
"""

from __future__ import annotations

import os
import sys

from tagger.light.quick import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DATA_VARIABLE = "AI_TAGGER_DATA"


def data_folder(chosen: str = "", stash_dir: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """The data folder's absolute path; it may not exist yet.

    ``chosen`` (``--data``), else ``AI_TAGGER_DATA``, else ``ai_tagger`` in Stash's own folder
    (``server_connection.Dir``), else in the place where this system keeps a user's data.
    """
    folder = chosen or environment.get(DATA_VARIABLE, "")
    if not folder:
        folder = os.path.join(stash_dir or _user_data(environment), "ai_tagger")
    return os.path.abspath(os.path.expanduser(folder))


def _user_data(environment: Mapping[str, str]) -> str:
    if sys.platform == "win32":
        return environment.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support")
    return environment.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")


def snapshot(data: str) -> dict[str, Any]:
    """``light.json``: the settings that the light half needs, compiled by the heavy half at each of its starts.

    ``{"hooks": bool, "kinds": ["scene", …], "verify_tls": bool}``; empty when absent or unreadable: defaults hold.
    """
    try:
        with open(os.path.join(data, "light.json"), encoding="utf-8") as file:
            content = loads(file.read())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_snapshot(data: str, content: Mapping[str, Any]) -> None:
    """Replace ``light.json`` as a whole, if it changed. Raises OSError."""
    if snapshot(data) == dict(content):
        return
    import json

    path = os.path.join(data, "light.json")
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        json.dump(dict(content), file)
    os.replace(file.name, path)
