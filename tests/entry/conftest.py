from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.entry.installed import Installed, install


@pytest.fixture
def bare(tmp_path: Path) -> Installed:
    """Installed, before any set-up."""
    return install(tmp_path)


@pytest.fixture
def installed(bare: Installed) -> Installed:
    """Installed, with a Python named that has everything."""
    bare.environment["AI_TAGGER_PYTHON"] = sys.executable
    return bare
