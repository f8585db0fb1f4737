"""The whole line against a running Stash, named by ``AI_TAGGER_LIVE_STASH``; it is left with the tags it had before.

An API key goes into ``AI_TAGGER_STASH_API_KEY``. With ``AI_TAGGER_MIRROR`` the starter models look too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tagger.light.connection import find_api_key, from_url
from tagger.stash import StashLibrary, StashServer
from tagger.types import ITEM_KINDS, ItemRef, Scope
from tests.line.conftest import NO_MODELS, ROOT

pytestmark = pytest.mark.live


def tags_by_item(library: StashLibrary) -> dict[ItemRef, frozenset[str]]:
    found: dict[ItemRef, frozenset[str]] = {}
    for kind in ITEM_KINDS:
        after = ""
        while page := library.page(kind, Scope(), after, 500):
            after = page[-1].ref.id
            found |= {item.ref: item.tag_ids for item in page}
    return found


def test_try_tag_again_and_undo(tmp_path: Path) -> None:
    url = os.environ.get("AI_TAGGER_LIVE_STASH")
    if not url:
        pytest.skip("AI_TAGGER_LIVE_STASH doesn't name a running Stash")
    data = tmp_path / "data"
    data.mkdir()
    if "AI_TAGGER_MIRROR" not in os.environ:
        (data / "config.yml").write_text(NO_MODELS)

    def run(*command: str) -> dict[str, Any]:
        ended = subprocess.run(
            [sys.executable, str(ROOT / "ai_tagger.py"), *command, "--stash", url, "--data", str(data), "--json"],
            env={**os.environ, "AI_TAGGER_PYTHON": sys.executable},
            capture_output=True,
            check=False,
            timeout=1500,
        )
        assert ended.returncode in (0, 1), ended.stderr.decode()
        answer: dict[str, Any] = json.loads(ended.stdout)
        return answer

    library = StashLibrary(StashServer(from_url(url, find_api_key())))
    before, tags = tags_by_item(library), {tag.id for tag in library.tags()}
    try:
        tried = run("try", "--limit", "20")
        assert tried["tried"] <= 20 and tags_by_item(library) == before
        first = run("tag", "--set", "run.backup=false")
        assert first["counts"]["looked"] + first["counts"].get("failed", 0) > 0
        second = run("tag", "--set", "run.backup=false")
        assert second["counts"].get("looked", 0) == 0 and second["counts"].get("added", 0) == 0
        assert all(now >= before[ref] for ref, now in tags_by_item(library).items())
    finally:
        run("undo")
    assert tags_by_item(library) == before
    assert {tag.id for tag in library.tags()} == tags
