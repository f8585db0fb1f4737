"""A library as it looks after long work, put into the stores without it: tags that wait, runs, failures, faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from tagger.light.library import library_key, remember_key
from tagger.people_store import NewFace, PeopleStore, Place
from tagger.ports import Settlement
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.types import Box, Decision, ItemRef, Look, MediaItem, Scope, Thumb, Verdict
from tests.double import StashDouble
from tests.people.drawn import Cast
from tests.store.values import decision, plan, sighting

TAGS = ("Dog", "Cat", "Bicycle", "Beach", "Snow", "Kitchen", "Car", "Boat")
WRITTEN = "Outdoors"
AUDITED = 12  # items to which it was written, so that some of them are audited
FACES = "mobilefacenet@1"


def open_store(stash: StashDouble) -> SqliteStore:
    """The plugin's own, as the light process of a page opens it."""
    data = stash.data_dir / "ai_tagger"
    key = library_key(str(stash.data_dir / "stash-go.sqlite"), str(stash.data_dir / "config.yml"))
    remember_key(str(data), str(stash.data_dir), key)
    return SqliteStore(data / DATABASE_NAME, key, "Stash")


def media_item(stash: StashDouble, ref: ItemRef) -> MediaItem:
    (kind, value), *_ = stash.item(ref).files[0].fingerprints.items()
    path = stash.item(ref).files[0].path
    return MediaItem(ref, "video" if ref.kind == "scene" else "image", "", f"{kind}:{value}", path)


def jpeg(seed: int, side: int = 320) -> bytes:
    """A drawn picture."""
    rng = np.random.default_rng(seed)
    rgb = np.full((side * 3 // 4, side, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(14):
        x, y, size = (int(v) for v in rng.integers(0, side // 2, 3))
        cv2.circle(rgb, (x + 20, y + 10), size // 2 + 4, tuple(int(v) for v in rng.integers(20, 240, 3)), -1)
    return bytes(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 70])[1])


def waiting(stash: StashDouble, items: int, tags: Sequence[str] = TAGS, folder: str = "/pictures") -> list[ItemRef]:
    """Images of which each waits for a look at one of ``tags`` (in turn), has another that was written, and one that
    is only remembered; a run that saw them, and one picture that couldn't be read."""
    refs = [stash.add_image(f"{folder}/{n}.jpg") for n in range(items)]
    pictures = [jpeg(seed) for seed in range(12)]
    with open_store(stash) as store:
        run = store.begin_run("tag", Scope())
        tag_id = stash.tag_id(WRITTEN)
        for start in range(0, len(refs), 500):
            some = list(enumerate(refs[start : start + 500], start))
            things = {n: media_item(stash, ref) for n, ref in some}
            store.record([_look(things[n], pictures[n % len(pictures)]) for n, _ in some])
            store.settle(
                run.id,
                "policy",
                [_settlement(things[n], n, tags, tag_id) for n, _ in some],
                counts={"looked": len(some)},
            )
        changes = [change.id for change in store.pending(AUDITED)]
        store.mark(changes, "sending")
        store.mark(changes, "done")
        for ref in refs[:AUDITED]:
            stash.set_tags(ref, [WRITTEN])
        bad = stash.add_image(f"{folder}/broken.jpg")
        store.record([replace(_look(media_item(stash, bad), b""), sightings=(), thumbs=(), error="It is no picture.")])
        store.checkpoint(run.id, {}, {"added": items, "failed": 1, "review": items})
        store.end_run(run.id, "done")
        store.remember("models", "a@1 b@1")
    return refs


def _look(of: MediaItem, picture: bytes) -> Look:
    return Look(of, (sighting("a@1"),), (Thumb(0.0, picture),), width=320, height=240)


def _settlement(of: MediaItem, n: int, tags: Sequence[str], tag_id: str) -> Settlement:
    decisions = (
        _decision(tags[n % len(tags)], "review", 0.70 + 0.19 * (n % 97) / 97),
        _decision(WRITTEN, "apply", 0.96),
        _decision("Hat", "keep", 0.4),
    )
    return Settlement(of, decisions, (plan(of, WRITTEN, tag_id),) if n < AUDITED else ())


def _decision(tag: str, verdict: Verdict, probability: float) -> Decision:
    made = decision(tag, verdict, probability)
    return replace(made, prediction=replace(made.prediction, models=("a@1",), spans_s=()))


def filmed(stash: StashDouble, tags: Sequence[str] = ("Dog", "Beach"), duration_s: float = 60.0) -> ItemRef:
    """A scene that has these tags, each seen twice; "Cat" waits for a look."""
    ref = stash.add_scene("/films/a.mp4", tags=tags, duration_s=duration_s)
    spans = ((2.0, 6.5), (20.0, 31.0))
    seen = [decision(tag) for tag in tags] + [decision("Cat", "review", 0.8)]
    decisions = tuple(replace(one, prediction=replace(one.prediction, spans_s=spans)) for one in seen)
    of = media_item(stash, ref)
    with open_store(stash) as store:
        run = store.begin_run("tag", Scope())
        store.record([replace(_look(of, jpeg(1)), duration_s=duration_s)])
        store.settle(run.id, "policy", [Settlement(of, decisions, ())])
        store.end_run(run.id, "done")
    return ref


def people_store(stash: StashDouble) -> PeopleStore:
    key = library_key(str(stash.data_dir / "stash-go.sqlite"), str(stash.data_dir / "config.yml"))
    return PeopleStore(stash.data_dir / "ai_tagger" / "people.sqlite", key)


def faces(stash: StashDouble, groups: Sequence[int] = (5, 3), known: str = "Ada") -> list[ItemRef]:
    """Images with drawn faces: each group is one unknown person, seen so many times; ``known`` has a face and an
    example. The items, group by group."""
    cast, refs = Cast(len(groups) + 1), []
    store = people_store(stash)
    for person, size in enumerate((*groups, 1)):
        ids: list[int] = []
        for vector in cast.faces(person, size):
            ref = stash.add_image(f"/people/{person}-{len(ids)}.jpg")
            found = NewFace(
                (Place(0.0, Box(0.2, 0.1, 0.5, 0.6)),),
                vector.astype(np.float16).tobytes(),
                0.9,
                0.9,
                crop=jpeg(person, 112),
            )
            ids.append(store.add_face(media_item(stash, ref), FACES, found))
            refs.append(ref)
        if person < len(groups):
            store.set_groups(dict.fromkeys(ids, ids[0]))
        else:
            store.judged([(ids[0], store.person(known).id, "apply")])
    store.close()
    return refs
