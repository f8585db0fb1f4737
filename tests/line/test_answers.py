"""What people say and do: reviews, corrections in Stash, what got lost, undoing by anything; on the double."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import TaggerError
from tagger.operations import Answer, Wish
from tagger.types import ItemRef
from tests.double import StashDouble
from tests.line.test_meanwhile import BLACK_WHITE, Line

REVIEW = {"thresholds.apply": 1.0, "thresholds.review": 0.5}


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with StashDouble(tmp_path / "stash") as stash:
        yield Line(stash, tmp_path)


def say(line: Line, action: str, *names: str, **options: object) -> int:
    answer = line.do("review", wish=Wish(action=action, names=names, **options), **REVIEW)  # type: ignore[arg-type]
    return int(answer.data.get("act", 0))


def waiting(line: Line) -> list[str]:
    return [row["ref"] for row in line.do("review", **REVIEW).data["items"]]


def test_accepted_ones_are_written_and_kept_rejected_ones_never_come(line: Line) -> None:
    yes, no = line.add(), line.add()
    line.do("tag", **REVIEW)
    assert sorted(waiting(line)) == [f"image:{yes.id}", f"image:{no.id}"]
    say(line, "accept", f"image:{yes.id}", BLACK_WHITE)
    say(line, "reject", f"image:{no.id}", BLACK_WHITE)
    assert BLACK_WHITE in line.tags(yes) and waiting(line) == []
    for apply in (0.5, 0.98, 0.6):
        line.do("tag", **{"thresholds.apply": apply, "thresholds.review": 0.5})
        assert BLACK_WHITE in line.tags(yes) and BLACK_WHITE not in line.tags(no)


def test_a_days_answers_are_a_run_that_is_listed_and_can_be_undone(line: Line) -> None:
    first, second = line.add(), line.add()
    line.do("tag", **REVIEW)
    for ref in (first, second):
        say(line, "accept", f"image:{ref.id}", BLACK_WHITE)
    run = line.do("status").data["runs"][0]
    assert (run["what"], run["state"], run["counts"]) == ("your answers in reviews", "done", {"added": 2})
    assert any("your answers in reviews, " in said and "done: tags added 2" in said for said in line.do("status").lines)
    undone = line.do("undo")
    assert line.tags(first) == line.tags(second) == frozenset()
    assert not any("writes these again" in said for said in undone.lines), "that is so of what a library run wrote"
    assert line.do("status").data["runs"][0]["counts"] == {"added": 2}, "it is known what it was"
    say(line, "add", f"image:{first.id}", "Grey")
    assert [run["state"] for run in line.do("status").data["runs"][:2]] == ["done", "undone"], "a new one"


def test_each_answer_can_be_taken_back(line: Line) -> None:
    ref, other = line.add(), line.add()
    line.do("tag", **REVIEW)
    before = (line.stash.tags_by_item(), waiting(line))
    yes = say(line, "accept", "", all=True)
    assert BLACK_WHITE in line.tags(ref) and BLACK_WHITE in line.tags(other)
    say(line, "undo", str(yes))
    assert (line.stash.tags_by_item(), sorted(waiting(line))) == (before[0], sorted(before[1]))
    no = say(line, "reject", f"image:{ref.id}", BLACK_WHITE)
    say(line, "undo", str(no))
    assert sorted(waiting(line)) == sorted(before[1])
    with pytest.raises(TaggerError, match="no answer"):
        say(line, "undo", str(no))


def test_a_rejected_tag_of_ours_is_taken_back_and_comes_again_with_undo(line: Line) -> None:
    ref, other = line.add(("mine",)), line.add()
    line.do("tag")
    act = say(line, "reject", f"image:{ref.id}", BLACK_WHITE)
    assert line.tags(ref) == {"mine"} and BLACK_WHITE in line.tags(other)
    line.do("tag", **{"limits.most_tags": 7})
    assert line.tags(ref) == {"mine"}
    say(line, "undo", str(act))
    assert line.tags(ref) == {"mine", BLACK_WHITE}


def test_a_persons_own_tag_survives_a_no_and_every_undo(line: Line) -> None:
    line.stash.add_tag(BLACK_WHITE)
    theirs = line.add((BLACK_WHITE,))
    ours = line.add()
    line.do("tag")
    say(line, "reject", f"image:{theirs.id}", BLACK_WHITE)
    assert line.tags(theirs) == {BLACK_WHITE}
    line.do("undo", wish=Wish(everything=True))
    assert line.tags(theirs) == {BLACK_WHITE} and line.tags(ours) == frozenset()
    assert line.stash.tag_names() == {BLACK_WHITE}


def test_it_is_another_one_instead_and_one_that_was_missed(line: Line) -> None:
    ref = line.add()
    line.do("tag", **REVIEW)
    say(line, "instead", f"image:{ref.id}", BLACK_WHITE, "Drawing")
    assert line.tags(ref) == {"Drawing"}
    say(line, "add", f"image:{ref.id}", "Grey")
    assert line.tags(ref) == {"Drawing", "Grey"}
    line.do("tag", **{"thresholds.apply": 0.5})
    assert line.tags(ref) == {"Drawing", "Grey"}


def test_never_and_always_hold_from_the_next_decision_on(line: Line) -> None:
    ref = line.add()
    line.do("tag", **REVIEW)
    always = say(line, "always", BLACK_WHITE, "0.5")
    line.do("tag", **REVIEW)
    assert BLACK_WHITE in line.tags(ref)
    say(line, "undo", str(always))
    line.do("tag", **REVIEW)
    other = line.add()
    line.do("tag", **REVIEW)
    assert len(waiting(line)) == 2
    never = say(line, "never", BLACK_WHITE)
    assert waiting(line) == [], "at once, on all of them"
    once_more = say(line, "never", BLACK_WHITE)
    say(line, "undo", str(once_more))
    assert waiting(line) == [], "one of them stands"
    say(line, "undo", str(never))
    assert len(waiting(line)) == 2
    never = say(line, "never", BLACK_WHITE)
    line.do("tag", **{"thresholds.apply": 0.5})
    assert BLACK_WHITE not in line.tags(other)
    assert BLACK_WHITE not in line.tags(ref) and waiting(line) == []
    say(line, "undo", str(never))
    line.do("tag", **{"thresholds.apply": 0.5})
    assert BLACK_WHITE in line.tags(ref)


# -- what people do in Stash


def test_one_removed_by_hand_counts_as_a_no_and_one_added_as_a_yes(line: Line) -> None:
    refs = [line.add() for _ in range(6)]
    line.do("tag")
    line.stash.set_tags(refs[0], [])
    line.do("tag")
    acts = line.do("review", wish=Wish(action="acts")).data["acts"]
    assert [act["what"] for act in acts] == ["1 tags were removed in the library"]
    line.do("tag")
    assert len(line.do("review", wish=Wish(action="acts")).data["acts"]) == 1, "learned once"
    assert line.tags(refs[0]) == frozenset()


def test_one_that_waits_and_is_added_by_hand_is_accepted(line: Line) -> None:
    line.stash.add_tag(BLACK_WHITE)
    ref = line.add()
    line.do("tag", **REVIEW)
    line.stash.set_tags(ref, [BLACK_WHITE])
    line.do("tag", **REVIEW)
    acts = line.do("review", wish=Wish(action="acts")).data["acts"]
    assert [act["what"] for act in acts] == ["1 tags were added in the library"] and waiting(line) == []
    line.do("undo", wish=Wish(everything=True))
    assert line.tags(ref) == {BLACK_WHITE}, "it is theirs"


@pytest.mark.parametrize("answer", ["lost", "removed"])
def test_a_restored_backup_teaches_nothing_until_the_person_says(line: Line, answer: str) -> None:
    line.stash.add_tag(BLACK_WHITE)
    refs = [line.add() for _ in range(8)]
    backup = copy.deepcopy(line.stash.data)
    line.do("tag")
    with line.stash.lock:
        line.stash.data = backup
    line.do("tag")
    assert "What happened to 8 of our tags" in line.do("happened").lines[0]
    assert line.do("review", wish=Wish(action="acts")).data["acts"] == []
    line.do("happened", wish=Wish(action=answer))
    line.do("tag")
    there = [BLACK_WHITE in line.tags(ref) for ref in refs]
    assert there == [answer == "lost"] * 8
    assert "Nothing is open" in line.do("happened").lines[0]


def test_a_restored_backup_without_the_tags_that_we_made(line: Line) -> None:
    refs = [line.add() for _ in range(8)]
    backup = copy.deepcopy(line.stash.data)
    line.do("tag")
    with line.stash.lock:
        line.stash.data = backup
    line.do("tag")
    assert line.do("review", wish=Wish(action="acts")).data["acts"] == []
    line.do("happened", wish=Wish(action="lost"))
    line.do("tag")
    assert all(BLACK_WHITE in line.tags(ref) for ref in refs)
    line.do("undo", wish=Wish(everything=True))
    assert line.stash.tags_by_item() == {ref: frozenset() for ref in refs} and line.stash.tag_names() == set()


def test_renamed_and_merged_tags_are_followed(line: Line) -> None:
    refs = [line.add() for _ in range(8)]
    line.do("tag")
    with line.stash.lock:
        tag_id = line.stash.tag_id(BLACK_WHITE)
        line.stash.data.tags[tag_id].name = "Monochrome"
    line.do("tag")
    assert all(line.tags(ref) == {"Monochrome"} for ref in refs)
    other = line.stash.add_tag("Old films")
    with line.stash.lock:
        line.stash.data.tags[other].aliases.append("Monochrome")
        line.stash.remove_tag(tag_id)
        for ref in refs:
            line.stash.item(ref).tag_ids.add(other)
    line.do("tag")
    assert all(line.tags(ref) == {"Old films"} for ref in refs)
    assert line.do("review", wish=Wish(action="acts")).data["acts"] == [], "nothing was taken for a no"
    line.do("undo", wish=Wish(everything=True))
    assert all(line.tags(ref) == frozenset() for ref in refs)


def a_day_later(line: Line) -> None:
    with line.stash.lock:
        for item in line.stash.data.of("image"):
            item.updated_at -= timedelta(days=1)


@pytest.mark.parametrize("made", [False, True])
def test_one_tag_less_in_a_restored_backup_is_no_rejection(line: Line, made: bool) -> None:
    refs = [line.add() for _ in range(30)]
    line.do("tag")
    fresh = line.add()
    a_day_later(line)
    backup = copy.deepcopy(line.stash.data)
    later: dict[str, Any] = {"tags.names": {"black and white": "Grey"}, "tags.update": "add"} if made else {}
    line.do("tag", **later)
    with line.stash.lock:
        line.stash.data = backup
    line.do("tag", **later)
    assert line.do("review", wish=Wish(action="acts")).data["acts"] == [], "nobody took anything away"
    for mode in ("happened", "status"):
        assert any("What happened to" in text for text in line.do(mode).lines)
    again = line.do("again", **later)
    assert again.data["added"] == 0 and line.tags(fresh) == frozenset(), "it says what it does"
    line.do("happened", wish=Wish(action="lost"))
    line.do("tag", **later)
    assert line.tags(fresh) == {"Grey" if made else BLACK_WHITE}
    assert all(line.tags(ref) == {BLACK_WHITE, *(["Grey"] if made else [])} for ref in refs)


def test_a_question_that_settled_itself_is_asked_no_more(line: Line) -> None:
    [line.add() for _ in range(8)]
    empty = copy.deepcopy(line.stash.data)
    line.do("tag")
    full = line.stash.data
    with line.stash.lock:
        line.stash.data = empty
    line.do("tag")
    with line.stash.lock:
        line.stash.data = full
    line.do("tag")
    assert "Nothing is open" in line.do("happened").lines[0]


def test_a_renamed_tag_keeps_its_name_whatever_is_decided(line: Line) -> None:
    refs = [line.add() for _ in range(8)]
    line.do("tag")
    say(line, "reject", f"image:{refs[0].id}", BLACK_WHITE)
    for name in ("Monochrome", "Grey"):
        with line.stash.lock:
            tag_id = line.stash.tag_id(BLACK_WHITE if name == "Monochrome" else "Monochrome")
            line.stash.data.tags[tag_id].name = name
        refs.append(line.add())
        for mode, settings in (("tag", {}), ("again", {"limits.most_tags": 7}), ("again", {})):
            line.do(mode, **settings)
            assert [line.tags(ref) for ref in refs] == [set(), *[{name}] * (len(refs) - 1)]
    assert line.stash.tag_names() == {"AI Tagger", "Grey"}
    why = line.do("why", wish=Wish(item=f"image:{refs[-1].id}", tag="Grey"))
    assert why.data["verdict"] == "apply" and not why.data["yours"]


def test_a_refused_tag_stays_away_when_the_tag_is_merged_into_another(line: Line) -> None:
    refs = [line.add() for _ in range(8)]
    line.do("tag", **REVIEW)
    say(line, "reject", f"image:{refs[0].id}", BLACK_WHITE)
    line.do("tag")
    other = line.stash.add_tag("Old films")
    with line.stash.lock:
        line.stash.remove_tag(line.stash.tag_id(BLACK_WHITE))
        line.stash.data.tags[other].aliases.append(BLACK_WHITE)
        for ref in refs[1:]:
            line.stash.item(ref).tag_ids.add(other)
    for settings in ({}, {"limits.most_tags": 7}):
        line.do("tag", **settings)
        assert [line.tags(ref) for ref in refs] == [set(), *[{"Old films"}] * 7]


def test_another_tag_with_the_id_of_one_that_a_backup_lacks_is_not_that_one(line: Line) -> None:
    refs = [line.add() for _ in range(8)]
    backup = copy.deepcopy(line.stash.data)
    line.do("tag")
    with line.stash.lock:
        line.stash.data = backup
        taken = {line.stash.add_tag("Wedding"), line.stash.add_tag("Holiday")}
        assert line.stash.tag_id("Wedding") in taken
    line.do("tag")
    line.do("happened", wish=Wish(action="lost"))
    line.do("tag")
    assert all(line.tags(ref) == {BLACK_WHITE} for ref in refs)


def test_why_knows_what_a_person_said_and_what_is_theirs(line: Line) -> None:
    line.stash.add_tag(BLACK_WHITE)
    mine, refused, hand = line.add((BLACK_WHITE,)), line.add(), line.add()
    [line.add() for _ in range(4)]
    line.do("tag")
    line.stash.set_tags(refused, [])
    line.stash.set_tags(hand, [BLACK_WHITE, "Wedding"])
    for mode in ("tag", "again"):
        line.do(mode, **{"limits.most_tags": 7})

    def why(ref: ItemRef, tag: str = BLACK_WHITE) -> dict[str, Any]:
        return dict(line.do("why", wish=Wish(item=f"image:{ref.id}", tag=tag)).data)

    assert why(mine)["yours"] and why(mine)["verdict"] == "apply"
    assert (why(refused)["verdict"], why(refused)["rule"]) == ("drop", "person.removed")
    assert "You removed it" in why(refused)["why"] and not why(refused)["yours"]
    assert why(hand, "Wedding")["yours"] and not why(hand)["yours"]


# -- a promise


def test_audits_keep_a_promise_and_what_is_not_promised_waits(line: Line) -> None:
    refs = [line.add() for _ in range(13)]
    line.do("tag")
    drawn = line.do("audit", wish=Wish(limit=12, tag=BLACK_WHITE)).data["audits"]
    for row in drawn:
        line.do("audit", wish=Wish(action="right", names=(row["ref"], BLACK_WHITE)))
    promised = {"promise": 0.8}
    said = line.do("promise", **promised)
    assert f"{BLACK_WHITE}: 0.90; 12 looked at, 12 right; at least 82 %." in said.lines
    late = line.add()
    line.do("tag", **promised)
    assert all(BLACK_WHITE in line.tags(ref) for ref in (*refs, late))
    line.do("review", wish=Wish(action="undo", names=(str(said.data["act"]),)))
    later = line.add()
    line.do("tag", **promised)
    assert BLACK_WHITE not in line.tags(later)
    assert f"image:{later.id}" in [row["ref"] for row in line.do("review", **promised).data["items"]]


def test_many_and_all_of_a_filter_are_something_else_or_were_missed(line: Line) -> None:
    refs = [line.add() for _ in range(3)]
    asked = {"thresholds.apply": 1.0}
    line.do("tag", **asked)
    items = tuple(f"image:{ref.id}" for ref in refs)

    def waits() -> set[str]:
        data = line.do("review", wish=Wish(tag=BLACK_WHITE), **asked).data
        return {row["ref"] for row in data["items"]}

    def undo(said: Answer) -> None:
        line.do("review", wish=Wish(action="undo", names=(str(said.data["act"]),)), **asked)
        assert waits() == set(items) and not any(line.tags(ref) for ref in refs)

    assert waits() == set(items)
    said = line.do("review", wish=Wish(action="add", names=(*items, "Lake")), **asked)
    assert said.data["added"] == 3
    undo(said)
    some = Wish(action="instead", names=(*items[:2], BLACK_WHITE, "Lake"))
    said = line.do("review", wish=some, **asked)
    assert waits() == {items[2]} and [line.tags(ref) for ref in refs] == [{"Lake"}, {"Lake"}, set()]
    undo(said)
    every = Wish(action="instead", names=("Lake",), all=True, tag=BLACK_WHITE)
    said = line.do("review", wish=every, **asked)
    assert not waits() and all(line.tags(ref) == {"Lake"} for ref in refs)
    undo(said)
    said = line.do("review", wish=Wish(action="never-here", all=True, tag=BLACK_WHITE), **asked)
    assert not waits()
    undo(said)


def test_a_tag_that_is_complete_speaks_of_every_item(line: Line) -> None:
    line.stash.add_tag(BLACK_WHITE)
    [line.add((BLACK_WHITE,)) for _ in range(3)]
    line.add(("Wedding",))
    line.add()
    line.do("tag")
    found = {row["tag"]: row for row in line.do("promise", **{"tags.complete": [BLACK_WHITE]}).data["tags"]}
    assert (found[BLACK_WHITE]["looked"], found[BLACK_WHITE]["right"]) == (5, 3), (
        "where the person has none it is wrong"
    )
    found = {row["tag"]: row for row in line.do("promise").data["tags"]}
    assert found[BLACK_WHITE]["looked"] == 0


# -- undo by anything


def test_why_says_that_looks_decided(line: Line) -> None:
    refs = [line.add() for _ in range(13)]
    line.do("tag")
    promised = {"promise": 0.8}

    def why() -> dict[str, Any]:
        line.do("again", wish=Wish(yes=True), **promised)
        return dict(line.do("why", wish=Wish(item=f"image:{refs[0].id}", tag=BLACK_WHITE), **promised).data)

    for row in line.do("audit", wish=Wish(limit=13, tag=BLACK_WHITE)).data["audits"]:
        if row["ref"] != f"image:{refs[0].id}":
            line.do("audit", wish=Wish(action="right", names=(row["ref"], BLACK_WHITE)))
    before = why()
    assert before["verdict"] == "review" and "nothing is promised" in before["origin"]
    assert "audit" in before["otherwise"] and "answers." not in before["otherwise"]
    line.do("promise", **promised)
    after = why()
    assert after["verdict"] == "apply" and "12 looked at, 12 right" in after["origin"]


def test_undo_by_tag_item_model_and_time(line: Line) -> None:
    refs = [line.add(("mine",)) for _ in range(3)]
    line.do("tag")
    for wish, left in (
        (Wish(tag="Dog"), 3),
        (Wish(model="nobody"), 3),
        (Wish(until="2001-01-01"), 3),
        (Wish(item=f"image:{refs[0].id}", dry_run=True), 3),
        (Wish(item=f"image:{refs[0].id}"), 2),
        (Wish(tag=BLACK_WHITE.lower(), since="2001-01-01"), 0),
    ):
        line.do("undo", wish=wish)
        assert sum(BLACK_WHITE in line.tags(ref) for ref in refs) == left, wish
    assert line.stash.tag_names() == {"mine"}
    line.do("tag")
    line.do("undo", wish=Wish(model="black_and_white"))
    names = {name for ref in refs for name in line.tags(ref)}
    assert names <= {"mine", BLACK_WHITE}


def test_a_tag_known_under_an_alias_is_answered_like_any_other(line: Line) -> None:
    line.stash.add_tag("Monochrome", aliases=[BLACK_WHITE])
    ref, other = line.add(), line.add()
    line.do("tag")
    drawn = line.do("audit", wish=Wish(limit=2)).data["audits"]
    assert [(row["tag_name"], row["feature"]) for row in drawn] == [(BLACK_WHITE, "black_and_white")] * 2
    act = say(line, "reject", f"image:{ref.id}", BLACK_WHITE)
    assert line.tags(ref) == frozenset() and line.tags(other) == {"Monochrome"}
    line.do("tag", **{"limits.most_tags": 7})
    assert line.tags(ref) == frozenset()
    say(line, "undo", str(act))
    assert line.tags(ref) == {"Monochrome"}
    line.do("undo", wish=Wish(everything=True))
    assert line.stash.tag_names() == {"Monochrome"} and line.tags(ref) == line.tags(other) == frozenset()
