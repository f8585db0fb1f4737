"""The private environment."""

from __future__ import annotations

import os
import subprocess

from tagger.errors import SetupError
from tagger.light.environment import PYTHON_VARIABLE, given_python
from tagger.light.log import StashLog, TerminalLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def usable_python(data: str, root: str) -> str:
    """The interpreter that the heavy half would run on now, or ""."""
    return given_python(data)


def ensure(data: str, root: str, log: StashLog | TerminalLog, device: str = "", remake: bool = False) -> str:
    given = given_python(data)
    if not given:
        raise SetupError(f"No environment yet: set {PYTHON_VARIABLE}.")
    return given


def setup_status(data: str, root: str) -> list[str]:
    return []


def device_setting(server: Mapping[str, Any], data: str) -> str:
    return ""
