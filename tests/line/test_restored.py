"""After a backup was put back, or the library was rebuilt, the ids of our tags belong to tags of the person's."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tagger.operations import Wish
from tests.double import StashDouble
from tests.line.test_meanwhile import BLACK_WHITE, Line
from tests.line.test_people import KNOWN, MEDIA, MIRROR, People, start

YES = Wish(yes=True)
needs_faces = pytest.mark.skipif(
    not MIRROR or not MEDIA, reason="set AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA for real weights and faces"
)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


@pytest.mark.parametrize("by_hand", [1, 3])
def test_a_new_tag_with_the_id_of_ours_is_not_ours_renamed(line: Line, by_hand: int) -> None:
    refs = [line.add() for _ in range(8)]
    backup = copy.deepcopy(line.stash.data)
    line.do("tag")
    ours = line.stash.tag_id(BLACK_WHITE)
    with line.stash.lock:
        line.stash.data = backup
        names = iter(("Wedding", "Holiday"))
        made = ""
        while made != ours:
            made = line.stash.add_tag(theirs := next(names))
    for ref in refs[:by_hand]:
        line.stash.set_tags(ref, [theirs])
    new = line.add()
    line.do("tag")
    line.do("again", **{"limits.most_tags": 7})
    assert line.tags(new) == {BLACK_WHITE}, "what is seen isn't written under the name of another tag"
    line.do("review", wish=Wish(action="reject", names=(f"image:{refs[0].id}", BLACK_WHITE)))
    line.do("again", wish=YES, **{"tags.blacklist": [BLACK_WHITE]})
    line.do("undo", wish=Wish(everything=True))
    assert [theirs in line.tags(ref) for ref in line.refs] == [n < by_hand for n in range(9)]


@pytest.mark.parametrize("by_hand", [1, 8])
def test_deciding_again_in_a_rebuilt_library_takes_no_tag_of_a_persons(line: Line, by_hand: int) -> None:
    for n in range(6):
        line.stash.add_tag(f"before {n}")
    refs = [line.add() for _ in range(8)]
    line.do("tag")
    with line.stash.lock:
        theirs = line.stash.data.tags[line.stash.tag_id(BLACK_WHITE)]
        for n, tag in enumerate(line.stash.data.tags.values()):
            tag.name, tag.description = f"rebuilt {n}", ""
    for n, ref in enumerate(refs):
        line.stash.set_tags(ref, [theirs.name] if n < by_hand else [])
    new = line.add()
    line.do("tag")
    line.do("again", wish=YES, **{"limits.most_tags": 7})
    line.do("again", wish=YES, **{"limits.most_tags": 6, "tags.blacklist": [BLACK_WHITE]})
    assert theirs.name not in line.tags(new)
    assert [theirs.name in line.tags(ref) for ref in refs] == [n < by_hand for n in range(8)]


@pytest.mark.slow
@needs_faces
def test_a_performer_with_the_id_of_ours_is_not_who_we_knew(tmp_path: Path) -> None:
    with StashDouble(tmp_path / "stash") as stash:
        world = People(stash, tmp_path)
        backup = copy.deepcopy(stash.data)
        start(world)
        ours = {performer.id: performer.name for performer in stash.data.performers.values()}
        with stash.lock:
            stash.data = backup
        somebody = world.refs[ours[stash.add_performer("Bob")]]
        stash.set_performers(somebody[0], ["Bob"])
        assert world.run("tag").code == 0
        world.run("undo", "--everything")
        assert [world.on(ref) for ref in somebody] == [{"Bob"}, *[set()] * (len(somebody) - 1)]


@pytest.mark.slow
@needs_faces
def test_a_performer_who_was_renamed_is_still_ours_to_take_back(tmp_path: Path) -> None:
    with StashDouble(tmp_path / "stash") as stash:
        world = People(stash, tmp_path)
        start(world)
        with stash.lock:
            next(one for one in stash.data.performers.values() if one.name == "amy").name = "Amy F."
        assert world.run("tag").code == 0
        assert all(world.on(ref) == {"Amy F."} for ref in world.refs["amy"])
        world.run("undo", "--everything")
        assert set(world.everything().values()) == {frozenset()}


@pytest.mark.slow
@needs_faces
def test_nobody_is_forgotten_for_a_backup_from_before_they_had_a_performer(tmp_path: Path) -> None:
    with StashDouble(tmp_path / "stash") as stash:
        world = People(stash, tmp_path)
        world.people("learn", str(world.known(*KNOWN)), "--create")
        backup = copy.deepcopy(stash.data)
        newest = max(backup.performers, key=int)
        lost = backup.performers.pop(newest).name
        for item in backup.items["image"].values():
            item.updated_at -= timedelta(days=1)
        assert world.run("tag").code == 0
        with stash.lock:
            stash.data = backup
        assert "forget-gone" in world.run("tag").err
        assert lost in {person["name"] for person in world.people("list")["people"]}
