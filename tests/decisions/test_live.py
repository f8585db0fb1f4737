"""What a person changes, corrects and takes back, in a running Stash named by ``AI_TAGGER_LIVE_STASH``.

It is left with the tags that it had before. An API key goes into ``AI_TAGGER_STASH_API_KEY``. Only the built-in
recognizers look, unless ``AI_TAGGER_MIRROR`` says where the models are. Needs at least 30 items that get a tag.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tagger.light.connection import find_api_key, from_url
from tagger.stash import StashLibrary, StashServer
from tagger.types import ITEM_KINDS, ItemRef, Scope
from tests.line.conftest import NO_MODELS, ROOT

pytestmark = pytest.mark.live
_HIGH = ("--set", "thresholds.apply=0.97")


@dataclass
class Live:
    """A running Stash, and our commands on it with a data folder of their own."""

    url: str
    data: Path
    library: StashLibrary = field(init=False)
    before: dict[ItemRef, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.library = StashLibrary(StashServer(from_url(self.url, find_api_key())))
        self.before = self.tags()

    def run(self, *command: str) -> dict[str, Any]:
        ended = subprocess.run(
            [sys.executable, ROOT / "ai_tagger.py", *command, "--stash", self.url, "--data", self.data, "--json"],
            env={**os.environ, "AI_TAGGER_PYTHON": sys.executable},
            capture_output=True,
            check=False,
            timeout=1500,
        )
        assert ended.stdout, ended.stderr.decode()
        answer: dict[str, Any] = json.loads(ended.stdout)
        return answer

    def tag(self, *options: str) -> dict[str, Any]:
        return self.run("tag", "--set", "run.backup=false", *options)

    def tags(self) -> dict[ItemRef, frozenset[str]]:
        found: dict[ItemRef, frozenset[str]] = {}
        for kind in ITEM_KINDS:
            after = ""
            while page := self.library.page(kind, Scope(), after, 500):
                after = page[-1].ref.id
                found |= {item.ref: item.tag_ids for item in page}
        return found

    def ours(self) -> dict[ItemRef, frozenset[str]]:
        """The tags that we added to images; nothing else is ever taken away here."""
        added = {ref: ids - self.before[ref] for ref, ids in self.tags().items() if ref.kind == "image"}
        return {ref: ids for ref, ids in added.items() if ids}


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    url = os.environ.get("AI_TAGGER_LIVE_STASH")
    if not url:
        pytest.skip("AI_TAGGER_LIVE_STASH doesn't name a running Stash")
    data = tmp_path / "data"
    data.mkdir()
    if "AI_TAGGER_MIRROR" not in os.environ:
        (data / "config.yml").write_text(NO_MODELS)
    stash = Live(url, data)
    names = {tag.id for tag in stash.library.tags()}
    stash.tag()
    yield stash
    stash.run("undo", "--everything")
    assert stash.tags() == stash.before, "the library is left as it was"
    assert {tag.id for tag in stash.library.tags()} == names


def test_other_thresholds_take_tags_back_and_bring_them_again(live: Live) -> None:
    tagged = live.tags()
    dry = live.run("again", "--dry-run", *_HIGH)
    assert live.tags() == tagged and dry["removed"] > 0
    assert all(tag["left"] >= 0 for tag in dry["tags"].values())
    asked = live.run("again", *_HIGH)
    assert asked["asks"] == (asked["removed"] > 0.05 * asked["ours"]) or asked["removed"] > 500
    live.run("again", "--yes", *_HIGH)
    assert sum(map(len, tagged.values())) - sum(map(len, live.tags().values())) == dry["removed"]
    live.run("again", "--yes")
    assert live.tags() == tagged


def test_what_a_person_does_in_stash_is_kept_and_their_tags_survive_every_undo(live: Live) -> None:
    names = {tag.id: tag.name for tag in live.library.tags()}
    ref, tag_id = next((ref, min(ids)) for ref, ids in live.ours().items())
    bare = next(r for r, ids in live.tags().items() if r.kind == "image" and tag_id not in ids)
    live.library.remove_tags(ref.kind, [ref.id], [tag_id])
    live.library.add_tags(bare.kind, [bare.id], [tag_id])
    try:
        live.tag("--set", "limits.most_tags=19")  # Other settings: everything is decided anew.
        live.run("again", "--yes")
        assert tag_id not in live.tags()[ref], "removed by hand, it stays away"
        why = live.run("why", "--item", f"image:{ref.id}", "--tag", names[tag_id])
        assert why["rule"].startswith("person.") and why["verdict"] == "drop"
        by_item = ("--item", f"image:{bare.id}")
        for what in (("--tag", names[tag_id]), by_item, ("--since", "2020-01-01"), ("--everything",)):
            state = live.tags()
            live.run("undo", *what, "--dry-run")
            assert live.tags() == state
            live.run("undo", *what)
            assert tag_id in live.tags()[bare], "a hand-made one survives"
    finally:
        live.library.remove_tags(bare.kind, [bare.id], [tag_id])


def test_tags_that_are_lost_at_once_are_no_rejections(live: Live) -> None:
    """As an import that overwrites them, or a backup: Stash itself isn't stopped by a test."""
    tagged = live.tags()
    rows = list(live.ours().items())
    if len(rows) < 30:
        pytest.skip("too few items got a tag")
    lost = rows[: len(rows) // 2]
    for ref, ids in lost:
        live.library.remove_tags(ref.kind, [ref.id], sorted(ids))
    live.tag()
    assert live.run("review", "acts")["acts"] == [], "nothing was learned"
    assert live.run("happened")["question"]["missed"] == sum(len(ids) for _, ids in lost)
    live.run("happened", "lost")
    live.tag()
    assert live.tags() == tagged
