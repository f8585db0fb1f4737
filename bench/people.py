"""Many faces through the store of people: grouped, new ones added, people identified.

    python -m bench.people --faces 1000000 [--dimensions 512] [--known 10000] [--store FILE]

The faces are made up: ``--each`` views of a person, three in a picture, with cosines spread as a real embedder's are.
Filling the store isn't counted; grouping is measured in a process of its own, from opening the store to the groups
written, with the peak of its memory. ``--store`` keeps the filled store for the next time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagger.judgement.decide import Policy
from tagger.library.people.desk import Desk
from tagger.library.people.gathering import open_groups, write_groups
from tagger.people.grouping import FaceBatch
from tagger.people.judge import People, Query
from tagger.people.likeness import Likeness
from tagger.people.templates import Known
from tagger.people_store import NewFace, PeopleStore, Place
from tagger.types import Box, ItemRef, MediaItem

Floats = npt.NDArray[np.float32]
_MODEL = "made-up@1"
_ALIKE = 0.6
_IN_A_PICTURE = 3
_PEOPLE_AT_ONCE = 1000
_NEW = 100


def _unit(rows: npt.NDArray[np.floating]) -> Floats:
    scaled: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def _faces(rng: np.random.Generator, centres: Floats, each: int) -> Floats:
    """``each`` views of every centre, in the order of the centres."""
    noise = _unit(rng.standard_normal((len(centres) * each, centres.shape[1]), np.float32))
    return _unit(np.sqrt(_ALIKE) * np.repeat(centres, each, axis=0) + np.sqrt(1 - _ALIKE) * noise)


def likeness(dimensions: int) -> Likeness:
    """As these faces are spread: strangers' cosines by chance alone."""
    return Likeness(_ALIKE, 0.1, 0.0, 1.2 / dimensions**0.5, fitted=True)


def fill(path: Path, faces: int, dimensions: int, each: int) -> None:
    """A store with so many faces; person ``n`` has the ids that leave ``n`` when divided by the number of people."""
    rng = np.random.default_rng(0)
    store = PeopleStore(path, "bench")
    made = 0
    while made < faces:
        people = min(_PEOPLE_AT_ONCE, max(1, (faces - made) // each))
        vectors = _faces(rng, _unit(rng.standard_normal((people, dimensions), np.float32)), each)
        order = np.arange(len(vectors)).reshape(people, each).T.ravel()  # A picture shows different people.
        for start in range(0, len(order), _IN_A_PICTURE):
            some = order[start : start + _IN_A_PICTURE]
            number = f"{made + start}"
            item = MediaItem(ItemRef("image", number), "image", "", f"md5:{number}", f"/pictures/{number}.jpg")
            store.put_faces(item, _MODEL, [_face(vectors[i], place) for place, i in enumerate(some.tolist())])
        made += len(vectors)
        print(f"\rfilling: {made:,} faces", end="", file=sys.stderr)
    print(file=sys.stderr)
    store.close()


def _face(vector: Floats, place: int) -> NewFace:
    box = Box(0.1 + 0.3 * place, 0.2, 0.3 + 0.3 * place, 0.5)
    return NewFace((Place(0.0, box),), vector.astype(np.float16).tobytes(), 0.9, 0.93)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    wall, busy = time.perf_counter(), time.process_time()
    yield
    print(f"{what}: {time.perf_counter() - wall:.2f} s ({time.process_time() - busy:.2f} s of a core)", flush=True)


def _peak_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def group(path: Path, dimensions: int, each: int) -> None:
    """Groups from the store, and new faces into them while they are open."""
    store = PeopleStore(path, "bench")
    desk = Desk(store, _MODEL, likeness(dimensions), Policy())
    store.set_groups({face.id: 0 for face in store.unknown(_MODEL) if face.group})
    count, _ = store.count_unknown(_MODEL)
    with _timed(f"{count:,} faces of {dimensions} numbers grouped and written"):
        grouper, batch = open_groups(desk, count)
        write_groups(desk, grouper, batch)
    groups = grouper.groups(2)
    gathered = sum(map(len, groups.values())) / count
    print(f"{len(groups):,} groups of about {each}; {gathered:.1%} of the faces are in one; peak {_peak_gb():.2f} GB")
    rng = np.random.default_rng(1)
    noise = _unit(rng.standard_normal((_NEW, dimensions)))
    near = _unit(np.sqrt(_ALIKE) * batch.vectors[:_NEW].astype(np.float32) + np.sqrt(1 - _ALIKE) * noise)
    ids = np.arange(_NEW) + int(batch.ids.max()) + 1
    with _timed(f"{_NEW} new faces, with the groups open"):
        grouper.add(FaceBatch(ids, near, np.ones(_NEW, np.float32)))
    with _timed("opened again, groups as they were"):
        open_groups(desk, count)
    store.close()


def identify(known: int, dimensions: int) -> None:
    """A face among so many known people with three examples each."""
    rng = np.random.default_rng(2)
    centres = _unit(rng.standard_normal((known, dimensions), np.float32))
    examples = _faces(rng, centres, 3).reshape(known, 3, dimensions)
    people = People(
        [Known(str(n), some, np.ones(3, np.float32)) for n, some in enumerate(examples)], likeness(dimensions)
    )
    asked = _faces(rng, centres[:200], 1)
    wall = time.perf_counter()
    right = sum((said := people.identify([Query(face, 0.9)])[0]) is not None and said.person_id == str(n)
                for n, face in enumerate(asked))  # fmt: skip
    each_ms = (time.perf_counter() - wall) / len(asked) * 1e3
    print(f"identified among {known:,} people: {each_ms:.2f} ms a face; {right} of {len(asked)} right")


def _apart(what: Callable[..., None], *arguments: object) -> None:
    """In a process of its own, so that its peak is its own."""
    process = multiprocessing.get_context("spawn").Process(target=what, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{what.__name__} failed")


def main() -> None:
    parser = argparse.ArgumentParser(description="Many faces through the store of people.")
    parser.add_argument("--faces", type=int, default=20_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--known", type=int, default=10_000)
    parser.add_argument("--store", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.store or Path(folder) / "people.sqlite"
        if not path.exists():
            _apart(fill, path, args.faces, args.dimensions, args.each)
        print(f"the store takes {path.stat().st_size / 1e9:.2f} GB")
        _apart(group, path, args.dimensions, args.each)
        _apart(identify, args.known, args.dimensions)


if __name__ == "__main__":
    main()
