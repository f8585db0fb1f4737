"""Deciding again, update strategies and why, through the real process and real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tagger.light.connection import API_KEY_VARIABLE
from tagger.types import ItemRef
from tests.double import StashDouble
from tests.line.conftest import NO_MODELS
from tests.line.test_in_stash import BLACK_WHITE, fill, said


def settings(data: Path, text: str) -> None:
    (data / "config.yml").write_text(NO_MODELS + text, encoding="utf-8")


def black_and_white(stash: StashDouble) -> set[ItemRef]:
    return {ref for ref, names in stash.tags_by_item().items() if BLACK_WHITE in names}


NEVER = 'thresholds: {tags: {"Black and white": {apply: 1.0}}}\n'


def decide_again(stash: StashDouble) -> None:
    """Press it until it has happened: much is asked about first."""
    stash.run_task("Decide again")
    stash.run_task("Decide again")


def test_a_higher_threshold_takes_ours_back_and_a_lower_one_brings_it_again(
    stash: StashDouble, tmp_path: Path, data: Path
) -> None:
    refs = fill(stash, tmp_path / "pictures")
    stash.set_tags(refs[2], ["mine", BLACK_WHITE])
    stash.run_task("Tag library")
    tagged = black_and_white(stash)
    assert tagged == {refs[0], refs[2], refs[4]}
    requests = len(stash.media_requests)
    settings(data, NEVER)
    stash.log.clear()
    stash.run_task("Decide again")
    assert "once more" in said(stash, "warning") and black_and_white(stash) == tagged
    assert "once more" not in said(stash), "it is said once"
    stash.run_task("Decide again")
    assert black_and_white(stash) == {refs[2]}, "what a person put there stays"
    assert "took back 2" in said(stash) and f"{BLACK_WHITE}: +0 −2, 0 stay" in said(stash)
    settings(data, "")
    stash.run_task("Decide again")
    assert black_and_white(stash) == tagged
    assert len(stash.media_requests) == requests, "nothing is looked at"


def test_deciding_twice_is_deciding_once_and_writes_nothing(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    fill(stash, tmp_path / "pictures")
    stash.run_task("Tag library")
    before, asked = stash.tags_by_item(), len(stash.requests)
    stash.run_task("Decide again")
    mutations = [r for r in stash.requests[asked:] if "Update" in r.text and "mutation" in r.text]
    assert stash.tags_by_item() == before and not mutations
    stash.log.clear()
    stash.run_task("Tag library")
    assert "6 known already" in said(stash), "it needs no deciding after that"


def test_what_a_person_removed_stays_away_after_deciding_again(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    refs = fill(stash, tmp_path / "pictures", 40)
    stash.run_task("Tag library")
    stash.set_tags(refs[0], ["mine"])
    settings(data, "limits: {most_tags: 19}\n")
    stash.run_task("Tag library")
    settings(data, "thresholds: {apply: 0.85}\n")
    decide_again(stash)
    assert stash.tags_by_item()[refs[0]] == {"mine"}


@pytest.mark.parametrize(("strategy", "stays"), [("add", True), ("merge", True), ("replace", False)])
def test_update_strategies(stash: StashDouble, tmp_path: Path, data: Path, strategy: str, stays: bool) -> None:
    refs = fill(stash, tmp_path / "pictures", 4)
    stash.run_task("Tag library")
    settings(data, f"{NEVER}tags: {{update: {strategy}}}\n")
    stash.run_task("Tag library")
    assert (refs[0] in black_and_white(stash)) == stays
    settings(data, f"tags: {{update: {strategy}}}\n")
    stash.run_task("Decide again")
    assert black_and_white(stash) == {refs[0], refs[2]}


def test_undoing_a_decision_gives_the_state_before(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    fill(stash, tmp_path / "pictures")
    stash.run_task("Tag library")
    before = stash.tags_by_item()
    settings(data, NEVER)
    decide_again(stash)
    assert stash.tags_by_item() != before
    stash.run_task("Undo last run")
    assert stash.tags_by_item() == before


def test_a_gallery_follows_its_images(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    refs = fill(stash, tmp_path / "pictures", 4)
    gallery = stash.add_gallery(images=[refs[0], refs[2]], title="Old photographs")
    stash.run_task("Tag library")
    assert gallery in black_and_white(stash)
    settings(data, NEVER)
    decide_again(stash)
    assert not black_and_white(stash)
    settings(data, "")
    stash.run_task("Decide again")
    assert gallery in black_and_white(stash)


def test_what_is_ours_on_galleries_counts_too(stash: StashDouble, tmp_path: Path, data: Path, plugin: Path) -> None:
    refs = fill(stash, tmp_path / "pictures", 6)
    gallery = stash.add_gallery(images=refs[::2], title="Old photographs")
    stash.run_task("Tag library")
    assert gallery in black_and_white(stash)
    settings(data, NEVER)
    _, dry = terminal(stash, plugin, data, "again", "--dry-run")
    assert dry["tags"][BLACK_WHITE] == {"added": 0, "removed": 4, "left": 0}
    assert dry["ours"] == sum(len(tags - {"mine"}) for tags in stash.tags_by_item().values())


def test_rules_hold_below_a_folder_and_names_come_in_the_persons_language(
    stash: StashDouble, tmp_path: Path, data: Path
) -> None:
    inside = stash.add_image(picture_in(tmp_path / "family", 1))
    outside = stash.add_image(picture_in(tmp_path / "other", 2))
    rule = f"rules: [{{below: {json.dumps(str(tmp_path / 'family'))}, features: {{black_and_white: look}}}}]\n"
    settings(data, "tags: {language: de, parents: {Schwarzweiß: Stil}}\n" + rule)
    stash.run_task("Tag library")
    assert "Schwarzweiß" in stash.tags_by_item()[outside], said(stash, "error")
    assert "Schwarzweiß" not in stash.tags_by_item()[inside]
    assert {"Schwarzweiß", "Stil", "AI Tagger"} <= stash.tag_names()
    settings(data, "tags: {language: de, parents: {Schwarzweiß: Stil}}\n")
    stash.run_task("Decide again")
    assert "Schwarzweiß" in stash.tags_by_item()[inside]


def picture_in(folder: Path, seed: int) -> Path:
    from tests.line.drawing import picture

    return picture(folder / f"{seed}.jpg", colour=False, seed=seed)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("thresholds: {tags: {Blakc and white: {apply: .5}}}", ["Blakc and white", "black and white"]),
        ("tags: {parents: {A: B, B: A}}", ["circle"]),
        ("tags: {language: xx}", ["tags.language", "de, en"]),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_runs(
    stash: StashDouble, tmp_path: Path, data: Path, text: str, parts: list[str]
) -> None:
    fill(stash, tmp_path / "pictures", 2)
    settings(data, text + "\n")
    stash.run_task("Tag library")
    assert all(part in said(stash, "error") for part in parts), said(stash, "error")
    assert not black_and_white(stash)


def terminal(stash: StashDouble, plugin: Path, data: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, str(plugin / "ai_tagger.py"), *arguments]
    command += ["--stash", stash.url, "--data", str(data), "--json"]
    environment = {**os.environ, "AI_TAGGER_PYTHON": sys.executable, API_KEY_VARIABLE: stash.api_key}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_dry_run_says_the_difference_and_yes_is_asked_for(
    stash: StashDouble, tmp_path: Path, data: Path, plugin: Path
) -> None:
    fill(stash, tmp_path / "pictures")
    stash.run_task("Tag library")
    before = stash.tags_by_item()
    settings(data, NEVER)
    code, dry = terminal(stash, plugin, data, "again", "--dry-run")
    assert code == 0 and dry["tags"][BLACK_WHITE] == {"added": 0, "removed": 3, "left": 0}
    code, asked = terminal(stash, plugin, data, "again")
    assert code == 2 and asked["asks"] and stash.tags_by_item() == before
    code, done = terminal(stash, plugin, data, "again", "--yes")
    assert code == 0 and done["removed"] == 3 and not black_and_white(stash)


def test_why_says_the_sentence_and_the_numbers(stash: StashDouble, tmp_path: Path, data: Path, plugin: Path) -> None:
    refs = fill(stash, tmp_path / "pictures", 2)
    settings(data, 'thresholds: {tags: {"Black and white": {apply: 0.6}}}\n')
    stash.run_task("Tag library")
    _, why = terminal(stash, plugin, data, "why", "--item", f"image:{refs[0].id}", "--tag", BLACK_WHITE)
    assert why["verdict"] == "apply" and why["rule"] == "thresholds.tags.Black and white.apply"
    assert why["origin"] == "config.yml" and why["models"] == ["black-and-white@1"]
    assert "at least 60 %" in why["why"] and "Raise" in why["otherwise"]
    assert why["written"]["state"] == "done" and why["written"]["run"] and why["written"]["at"].endswith("Z")
    assert why["evidence"][0]["model"] == "black-and-white@1"
    _, other = terminal(stash, plugin, data, "why", "--item", f"image:{refs[1].id}", "--tag", BLACK_WHITE)
    assert other["verdict"] in ("drop", "") and other["why"] and other["written"] is None
    _, never = terminal(stash, plugin, data, "why", "--item", f"image:{refs[1].id}", "--tag", "Zebra")
    assert "No model said anything" in never["why"]
