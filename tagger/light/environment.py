"""Which Python runs the heavy half: the private environment's, or one that a person names.

``<data>/env`` is a virtual environment of our own; ``ready.json`` inside it is written last, so an interrupted set-up
has none. ``AI_TAGGER_PYTHON``, or a file ``python`` in the data folder that holds a path, names an interpreter that has
everything already: then no environment is made.
"""

from __future__ import annotations

import os
import sys

from tagger.light.quick import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PYTHON_VARIABLE = "AI_TAGGER_PYTHON"

MARKER = "ready.json"


def given_python(data: str, environment: Mapping[str, str] = os.environ) -> str:
    """The interpreter that a person named, or ""."""
    if environment.get(PYTHON_VARIABLE):
        return environment[PYTHON_VARIABLE]
    try:
        with open(os.path.join(data, "python"), encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def environment_folder(data: str) -> str:
    return os.path.join(data, "env")


def python_in(folder: str) -> str:
    """The interpreter of the virtual environment in ``folder``."""
    return os.path.join(folder, "Scripts", "python.exe") if sys.platform == "win32" else f"{folder}/bin/python"


def marker(folder: str) -> dict[str, Any]:
    """What a complete environment says of itself; empty when there is none, or an interrupted one."""
    try:
        with open(os.path.join(folder, MARKER), encoding="utf-8") as file:
            content = loads(file.read())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def has_environment(data: str) -> bool:
    """Whether the set-up was made, as far as a glance tells."""
    return bool(given_python(data) or os.path.exists(os.path.join(environment_folder(data), MARKER)))
