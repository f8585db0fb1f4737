"""The people's part of a run: follow what changed, judge affected files again without looking, write, gather."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from tagger.answers import PEOPLE
from tagger.library.find import Order
from tagger.library.galleries import Galleries
from tagger.library.learn import is_much
from tagger.library.people.desk import Desk, follow_performers
from tagger.library.people.gathering import gather
from tagger.library.people.judging import vector_of
from tagger.library.people.made import UNMADE, is_that, may_be_lost, stamp
from tagger.library.people.reviewed import follow_answers
from tagger.library.people.sending import ours_on
from tagger.library.scope import meant
from tagger.library.takeback import send_removals
from tagger.library.tools import Tools
from tagger.library.writer import Writer
from tagger.people_store import Person, Said, same_place
from tagger.ports import Settlement, Standing
from tagger.types import MediaItem, PlannedChange, Run, Scope

_BATCH = 200
_FACES_AT_ONCE = 20_000
_WORTH = 0.2  # a face that can't reach this probability isn't judged again for somebody's sake
_FEW_PEOPLE = 3
_CROPS = "crops"
_ALIKE = "alike"


class Census:
    """For one run."""

    def __init__(self, tools: Tools, desk: Desk, writer: Writer, run: Run) -> None:
        self._tools, self._desk, self._writer, self._run = tools, desk, writer, run
        self._store, self._people = tools.store, desk.store
        self._missed: list[tuple[MediaItem, str]] = []
        self._checked = 0
        self._there: set[str] = set()

    def begin(self) -> None:
        """Before anything is judged: performers that were renamed or deleted, answers of reviews, other models."""
        tools, desk = self._tools, self._desk
        wanted = {name.casefold() for name in desk.wanted.exclude_tags}
        if wanted:
            desk.tag_ids = frozenset(tag.id for tag in tools.library.tags() if tag.name.casefold() in wanted)
        if not desk.wanted.crops and self._people.fact(_CROPS) != "none":
            self._people.drop_crops()
        self._people.remember(_CROPS, "kept" if desk.wanted.crops else "none")
        performers = tools.library.performers()
        self._there = {performer.id for performer in performers}
        unmade = self._store.facts(UNMADE)
        lines, gone = follow_performers(
            self._people,
            performers,
            {name.removeprefix(UNMADE) for name in unmade},
            partial(is_that, tools.library, self._store),
        )
        for name in unmade:
            self._store.remember(name, "")
        for line in lines:
            tools.progress.say(line)
        if gone:
            self._forget(gone)
        carry_examples(desk)
        follow_answers(desk, self._store)
        desk.changed()

    def _forget(self, gone: list[Person]) -> None:
        """Who was deleted in the library; but many at once, or a backup that was put back, are no such wish."""
        progress, known = self._tools.progress, len(self._people.people())
        lost = may_be_lost(self._tools.library, self._store, [person.name for person in gone])
        if not lost and (len(gone) <= _FEW_PEOPLE or len(gone) <= known / 2):
            forget_people(self._desk, gone)
            progress.say(f"{len(gone)} people were deleted in the library: forgotten here, too.")
            return
        how = "as after a backup that was put back" if lost else "at once"
        progress.warn(
            f"{len(gone)} of {known} known people are gone from the library {how}, so nobody was forgotten: if that is "
            "right, run 'ai_tagger.py people forget-gone'."
        )

    def notice(self, item: MediaItem, standing: Standing) -> None:
        """A performer of ours that isn't there any more was taken away by a person, if there still is one."""
        self._checked += len(standing.our_performers)
        self._missed += [(item, i) for i in standing.our_performers - item.performer_ids if i in self._there]

    def finish(self) -> None:
        """After all is judged: what people took away is learned, if it is little; unknown faces are gathered."""
        if self._missed and not is_much(len(self._missed), self._checked):
            by_performer = {person.performer_id: person.id for person in self._people.people()}
            for item, performer in self._missed:
                changes = ours_on(self._store, item.ref, performer)
                self._store.mark([change.id for change in changes], "gone", "a person removed them")
                if performer in by_performer:
                    self._people.say([Said("not", item.fingerprint, (), by_performer[performer], item.ref)])
        elif self._missed:
            self._tools.progress.warn(
                f"{len(self._missed):,} performers that we had added are missing at once: nothing was learned from it."
            )
        self._missed = []
        self.catch_up()

    def catch_up(self, regroup: bool = False) -> int:
        """Judge again, without looking, whatever may have changed by new examples and words; how many items.

        Then what is new is gathered; with ``regroup`` all groups look for each other once more.
        """
        desk = self._desk
        desk.changed()
        people = [int(person) for person in self._people.waiting("person")]
        if people:
            self._people.wait("file", affected(desk, people))
            self._people.done("person", map(str, people))
        self._follow_lookalikes()
        files = self._people.waiting("file")
        count = 0
        for start in range(0, len(files), _BATCH):
            some = files[start : start + _BATCH]
            count += self._judge_again(some)
            self._people.done("file", some)
        gather(desk, always=regroup)
        return count

    def _follow_lookalikes(self) -> None:
        """People who came to be too much like somebody to be told apart, or are so no longer: theirs wait."""
        alike = {f"{one} {other}" for one, others in self._desk.circle.people.alike.items() for other in others}
        before = set(filter(None, self._people.fact(_ALIKE).split(",")))
        if alike != before:
            people = {int(person) for pair in alike ^ before for person in pair.split()}
            self._people.wait("file", self._people.files_of_people(sorted(people), self._desk.model))
            self._people.remember(_ALIKE, ",".join(sorted(alike)))

    def _judge_again(self, fingerprints: Sequence[str]) -> int:
        desk = self._desk
        refs = [ref for found in self._people.items_of(fingerprints).values() for ref, _ in found]
        items = [item for item in self._tools.library.get(refs) if item.ref.kind != "gallery"]
        standing = self._store.standing(items)
        before = self._store.decisions([item.ref for item in items])
        settlements: dict[str, list[Settlement]] = defaultdict(list)
        for item in items:
            known = standing[item.ref]
            self.notice(item, known)
            others = [d for d in before[item.ref] if d.prediction.feature != PEOPLE]
            decisions = desk.decide(item)
            plans = desk.plan(item, decisions, known)
            settlements[known.decided].append(Settlement(item, (*others, *decisions), tuple(plans)))
        for policy_id, some in settlements.items():
            self._store.settle(self._run.id, policy_id, some)
        desk.flush()
        self._write()
        self._galleries({gallery for item in items for gallery in item.gallery_ids})
        return len(items)

    def _galleries(self, ids: set[str]) -> None:
        """Galleries get what enough of their images share, at once."""
        if not ids:
            return
        order = Order("asked", Scope())
        galleries = Galleries(self._tools, order, self._run, self._tools.judge.policy_id, ids)
        for page in galleries.pages():
            for policy_id, settlement in galleries.judge(page, self._writer.index):
                people = tuple(plan for plan in settlement.plans if plan.target == "performer")
                self._store.settle(self._run.id, policy_id, [replace(settlement, plans=people)])
        self._write()

    def _write(self) -> None:
        self._writer.flush()
        send_removals(self._tools)


def moved(tools: Tools, desk: Desk, scope: Scope) -> Iterator[tuple[MediaItem, Standing, list[PlannedChange]]]:
    """Items on which somebody would be decided otherwise now, with what would be written; nothing is. Each file with a
    face is judged from what is stored."""
    files = desk.store.all_files(desk.model)
    for start in range(0, len(files), _BATCH):
        found = desk.store.items_of(files[start : start + _BATCH])
        refs = [ref for items in found.values() for ref, _ in items if ref.kind != "gallery"]
        items = meant(tools.library, tools.library.get(refs), scope)
        standing = tools.store.standing(items)
        before = tools.store.decisions([item.ref for item in items])
        for item in items:
            former = {(d.tag, d.verdict) for d in before[item.ref] if d.prediction.feature == PEOPLE}
            decisions = desk.decide(item)
            now = {(d.tag, d.verdict) for d in decisions if d.verdict != "drop"}
            plans = [
                plan for plan in desk.plan(item, decisions, standing[item.ref])
                if plan.action == "remove" or plan.tag_id not in standing[item.ref].our_performers
            ]  # fmt: skip
            if plans or now != former or desk.unwritten:
                yield item, standing[item.ref], plans
            desk.flush(keep=False)


def affected(desk: Desk, people: Sequence[int]) -> list[str]:
    """Files whose faces were, or may be, one of these people's: one comparison of vectors each. Who has another's name
    by judging may be theirs, too."""
    files = set(desk.store.files_of_people(people, desk.model))
    examples = [e for e in desk.store.examples(desk.model) if e.person in set(people) and e.vector]
    if not examples:
        return sorted(files)
    templates = np.array([vector_of(e.vector) for e in examples])
    least = least_cosine(desk, len(desk.circle.names))
    faces = (face for face in desk.store.unsaid(desk.model) if face.vector)
    while some := list(islice(faces, _FACES_AT_ONCE)):
        vectors = np.array([vector_of(face.vector) for face in some])
        hits = (vectors @ templates.T).max(axis=1) >= least
        files.update(face.fingerprint for face, hit in zip(some, hits, strict=True) if hit)
    return sorted(files)


def forget_people(desk: Desk, people: Sequence[Person]) -> None:
    """Everything of their faces; files on which they were, or stood in somebody's way, wait to be judged again."""
    files = affected(desk, [person.id for person in people])
    for person in people:
        desk.store.forget_person(person.id)
    desk.store.wait("file", files)


def least_cosine(desk: Desk, people: int) -> float:
    """Below it no face of any quality becomes somebody's, with so many people known."""
    like = desk.likeness
    for cosine in np.arange(0.0, 1.0, 0.01).tolist():
        weight = like.prior / max(1, people) * like.odds(cosine, 1, 1.0)
        if weight / (1 - like.prior + weight) >= _WORTH:
            return float(cosine) - 0.05
    return 1.0


def carry_examples(desk: Desk) -> int:
    """Examples of other models are made this model's: by the same place in a file that it has looked at, else from the
    crop that was kept. How many are."""
    mine = desk.store.examples(desk.model)
    have = {(e.person, e.fingerprint, e.place) for e in mine}
    others = [e for e in desk.store.examples() if e.model != desk.model]
    left = [e for e in others if (e.person, e.fingerprint, e.place) not in have]
    if not left:
        return 0
    faces = desk.store.faces_of(sorted({e.fingerprint for e in left}), desk.model)
    carried, crops = 0, []
    for example in left:
        face = next((f for f in faces[example.fingerprint] if same_place(f.face.places, (example.place,))), None)
        if face is not None:
            carried += desk.store.add_example(
                replace(example, model=desk.model, vector=face.face.vector, quality=face.face.quality)
            )
        elif example.crop:
            crops.append(example)
    if crops and desk.embed is not None:
        vectors = desk.embed([example.crop for example in crops])
        for example, vector in zip(crops, vectors, strict=True):
            carried += desk.store.add_example(replace(example, model=desk.model, vector=vector))
    return carried


def follow_reviews(tools: Tools) -> None:
    """What was answered about people counts at once, and so does what was taken back."""
    desk = tools.judge.people
    if desk is not None and follow_answers(desk, tools.store):
        change_people(tools, lambda _: None, why="your answers about people")


def change_people(tools: Tools, what: Callable[[Desk], object], regroup: bool = False, why: str = "") -> int:
    """Do ``what`` to the store of people, then everything that follows from it, as a run of its own that can be undone;
    how many items were judged again. A kill in between costs nothing: the next run goes on. ``why``: for persons."""
    desk = tools.judge.people
    assert desk is not None
    what(desk)
    run = tools.store.begin_run("people", Scope(), resume=False)
    stamp(tools.library, tools.store, run.id)
    census = Census(tools, desk, Writer(tools.library, tools.store, tools.tree, lambda: None), run)
    census.begin()
    count = census.catch_up(regroup)
    tools.store.checkpoint(run.id, {}, {"passed": count})
    tools.store.end_run(run.id, "done", why)
    return count
