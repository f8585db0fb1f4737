"""The Stash double with the plugin as it is in this checkout, and a browser to look at it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.store import holder
from tests.line.conftest import data, plugin, stash
from tests.pages.browsing import packages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["data", "plugin", "stash"]


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Browser:
    packages()
    return chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(90_000)  # A heavy process may have to start first, on a busy machine.
    yield page
    page.close()


@pytest.fixture
def worker_ends(data: Path) -> Iterator[None]:
    """None is left behind."""
    yield
    if works := holder(data):
        os.kill(works.pid, signal.SIGTERM)
