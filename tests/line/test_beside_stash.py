"""A terminal on the machine of a Stash that has the plugin: it knows what the plugin did."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.double import StashDouble
from tests.line.drawing import picture
from tests.line.terminal import Terminal


@pytest.fixture
def own(tmp_path: Path) -> Terminal:
    """Nobody says where the data are: neither an option nor the environment."""
    data = tmp_path / "home" / "ai_tagger"
    return Terminal(data, tmp_path / "no mirror", more={"AI_TAGGER_DATA": "", "XDG_DATA_HOME": str(data.parent)})


def test_a_terminal_sees_and_undoes_what_the_plugin_did(stash: StashDouble, own: Terminal, tmp_path: Path) -> None:
    ref = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    stash.run_task("Tag library")
    stash.wait_idle()
    tagged = stash.tags_by_item()[ref]
    ended = own.run("status", "--stash", stash.url, "--json")
    assert str(stash.data_dir / "ai_tagger") in ended.err
    assert [run["operation"] for run in ended.json["runs"]] == ["tag"] and ended.json["summary"]["ours"] == len(tagged)
    assert own.run("undo", "--stash", stash.url).code == 0 and not stash.tags_by_item()[ref]
    named = own.run("status", "--stash", stash.url, "--data", own.data, "--json")
    assert named.json["runs"] == [] and str(stash.data_dir) not in named.err


def test_what_belongs_to_another_user_is_left_alone(stash: StashDouble, own: Terminal) -> None:
    if os.name == "nt" or os.geteuid():
        pytest.skip("only root can give a folder away")
    folder = stash.data_dir / "ai_tagger"
    os.chown(folder, 65534, -1)
    ended = own.run("status", "--stash", stash.url)
    assert ended.code == 0 and "belongs to another user" in ended.err and str(own.data) in ended.err
    assert not [file for file in folder.iterdir() if file.name != "config.yml"]


def test_a_plugin_whose_data_are_elsewhere_is_said(stash: StashDouble, own: Terminal, tmp_path: Path) -> None:
    shutil.rmtree(stash.data_dir)  # As with a Stash in a container: its folders aren't ours.
    ended = own.run("status", "--stash", stash.url)
    assert ended.code == 0 and "isn't on this machine" in ended.err and str(own.data) in ended.err
    with StashDouble(tmp_path / "without") as plain:
        assert own.run("status", "--stash", plain.url).err == ""
