"""What a library in use has beside its items: answers, runs, failures, pictures and faces; see :mod:`bench.answers`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bench.store import MODEL, item, look
from tagger.library import review
from tagger.people_store import Example, NewFace, PeopleStore, Place
from tagger.store import SqliteStore
from tagger.types import Box, Look, Scope, Thumb

FACES = "people.sqlite"
_EMBEDDER = "made-up@1"
_ANSWERS, _AT_ONCE = 20_000, 50
_RUNS = _FAILURES = 500
_PICTURES = 3000
_FACES, _GROUPS, _PEOPLE, _EXAMPLES = 30_000, 5_000, 300, 10
_IN_A_PICTURE = 3
_JPEG_BYTES, _CROP_BYTES, _VECTOR_BYTES = 15_000, 4_000, 1024

T = TypeVar("T")


def furnish(store: SqliteStore, data: Path) -> None:
    """Add all of it."""
    dice = random.Random(5)
    store.remember("models", MODEL)
    _answer(store, dice)
    for n in range(_RUNS):
        run = store.begin_run("new", Scope(), resume=False)
        store.checkpoint(run.id, {}, {"added": n, "looked": 2 * n})
        store.end_run(run.id, "done")
    store.record([Look(item(10**9 + n), (), error="The file is damaged.") for n in range(_FAILURES)])
    _picture(store, dice)
    _faces(data / FACES, dice)


def _answer(store: SqliteStore, dice: random.Random) -> None:
    waiting = [(one.ref, one.decision.tag) for one in store.review_queue(_ANSWERS)]
    for some in _parts(waiting, _AT_ONCE):
        (review.accept if dice.random() < 0.9 else review.reject)(store, some)
    while pending := [*store.pending(1000), *store.pending(1000, "remove")]:
        store.mark([change.id for change in pending], "done")


def _picture(store: SqliteStore, dice: random.Random) -> None:
    """Of those that are shown first, of those that are audited, and of a list."""
    shown = [one.ref.id for one in store.review_queue(_PICTURES)]
    store.draw_audits(60)
    shown += [one.question.ref.id for one in store.audits(60)]
    middle = store.count_items() // 2
    for some in _parts([*shown, *map(str, range(middle, middle + 40))], 500):
        looks = [look(int(item_id), 10, dice) for item_id in some]
        store.record([replace(one, thumbs=(Thumb(0.0, dice.randbytes(_JPEG_BYTES)),)) for one in looks])


def _faces(path: Path, dice: random.Random) -> None:
    store = PeopleStore(path, "bench")
    for n in range(_FACES // _IN_A_PICTURE):
        store.put_faces(item(1 + n), _EMBEDDER, [_face(place, dice) for place in range(_IN_A_PICTURE)])
    ids = [one.id for one in store.unknown(_EMBEDDER)]
    known = ids[:: _FACES // (_PEOPLE * _EXAMPLES)][: _PEOPLE * _EXAMPLES]
    store.set_groups({face: 1 + int(dice.paretovariate(0.5)) % _GROUPS for face in ids})
    people = [store.person(f"Person {n}", str(n)).id for n in range(_PEOPLE)]
    for person, some in zip(people, _parts(known, _EXAMPLES), strict=True):
        store.judged([(face, person, "apply") for face in some])
        for one in store.faces(some):
            given = (one.fingerprint, one.best, one.face.vector, one.face.quality, one.face.crop)
            store.add_example(Example(0, person, _EMBEDDER, "named", "", *given))
    store.close()


def _face(place: int, dice: random.Random) -> NewFace:
    box = Box(0.1 + 0.3 * place, 0.2, 0.3 + 0.3 * place, 0.5)
    vector, crop = dice.randbytes(_VECTOR_BYTES), dice.randbytes(_CROP_BYTES)
    return NewFace((Place(0.0, box),), vector, dice.random(), 0.93, crop=crop)


def _parts(whole: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
