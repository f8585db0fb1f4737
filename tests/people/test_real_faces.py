"""The whole chain over real weights and pictures: AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA say where they lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.faces import (
    Example,
    gathered,
    groups,
    hold_out,
    leave_one_out,
    portraits,
    recogniser,
    strangers,
    verdict,
)
from tagger.catalogue import FaceEmbedderSpec, Source
from tagger.people.grouping import FaceBatch, Grouper
from tagger.people.judge import People, Query
from tagger.people.likeness import Likeness
from tagger.people.templates import Known
from tagger.people.tracks import View, tracks
from tagger.pipeline import shrink
from tagger.ports import Recognizer
from tagger.types import Face, Frame

MIRROR, MEDIA = os.environ.get("AI_TAGGER_MIRROR", ""), os.environ.get("AI_TAGGER_TEST_MEDIA", "")
pytestmark = pytest.mark.skipif(
    not MIRROR or not MEDIA,
    reason="set AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA to test with real weights and pictures",
)
Chain = tuple[FaceEmbedderSpec, Recognizer]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return recogniser("mobilefacenet", Source(MIRROR), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def like(chain: Chain) -> Likeness:
    return Likeness.of(chain[0].identity)


@pytest.fixture(scope="module")
def faces(chain: Chain) -> list[Example]:
    return portraits(Path(MEDIA), chain[1])


@pytest.fixture(scope="module")
def parties(chain: Chain) -> dict[str, list[Example]]:
    return groups(Path(MEDIA), chain[1])


def known(examples: Sequence[Example]) -> list[Known]:
    people = sorted({e.person for e in examples} - {""})
    vectors = {p: np.array([e.vector for e in examples if e.person == p]) for p in people}
    return [Known(p, v, np.ones(len(v), np.float32)) for p, v in vectors.items()]


def test_alignment_keeps_one_person_near_and_two_apart(faces: list[Example]) -> None:
    vectors, person = np.array([e.vector for e in faces]), np.array([e.person for e in faces])
    cosines, upper = vectors @ vectors.T, np.triu(np.ones((len(faces), len(faces)), bool), 1)
    same, different = person[:, None] == person, person[:, None] != person
    assert len(faces) == 40
    assert np.percentile(cosines[upper & same], 5) == pytest.approx(0.403, abs=0.03)
    assert np.median(cosines[upper & same]) == pytest.approx(0.629, abs=0.02)
    assert cosines[upper & different].max() == pytest.approx(0.268, abs=0.03)


def test_known_people_are_applied_and_nobody_wrongly(faces: list[Example], like: Likeness) -> None:
    said = leave_one_out(faces, like, 4)
    applied = [identity.person_id == truth for identity, truth in said if identity and verdict(identity) == "apply"]
    assert all(applied)
    assert len(applied) >= 0.95 * len(faces)


def test_one_example_is_enough_for_most(faces: list[Example], like: Likeness) -> None:
    said = leave_one_out(faces, like, 1)
    applied = [identity.person_id == truth for identity, truth in said if identity and verdict(identity) == "apply"]
    assert all(applied)
    assert len(applied) >= 0.85 * len(faces)


def test_people_who_are_not_known_are_never_named(faces: list[Example], like: Likeness) -> None:
    assert {verdict(identity) for identity, _ in hold_out(faces, like)} == {"unknown"}


def test_group_pictures(faces: list[Example], parties: dict[str, list[Example]], like: Likeness) -> None:
    people = People(known(faces), like)
    for party in parties.values():
        judged = people.identify([Query(e.vector, e.quality) for e in party])
        for identity, e in zip(judged, party, strict=True):
            if e.person:
                assert identity is not None
                assert identity.person_id == e.person
                assert verdict(identity) in ("apply", "review")
            else:
                assert verdict(identity) != "apply"


def test_unknown_faces_are_gathered(chain: Chain, faces: list[Example], parties: dict[str, list[Example]],
                                    like: Likeness) -> None:  # fmt: skip
    """Beside strangers, and beside clocks, dogs and doughnuts that the detector takes for faces."""
    found = gathered(
        [*faces, *(e for party in parties.values() for e in party)], strangers(Path(MEDIA), chain[1]), like
    )
    assert found.pure >= 0.99
    assert found.whole >= 0.9
    assert found.mixed == 0


def test_large_and_small_faces_are_both_found_and_are_the_same(chain: Chain, like: Likeness) -> None:
    """A portrait that fills the picture, and the same one small in a corner of a large one."""
    path = next(iter(sorted((Path(MEDIA) / "faces" / "amy").iterdir())))
    portrait = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1]
    large = cv2.resize(portrait, (1280, 1280), interpolation=cv2.INTER_CUBIC)
    scene = np.full((900, 1280, 3), 96, np.uint8)
    scene[700:760, 60:120] = cv2.resize(portrait, (60, 60), interpolation=cv2.INTER_AREA)
    frames = [Frame(np.ascontiguousarray(p, np.uint8), 0.0, p.shape[1], p.shape[0]) for p in (large, scene, portrait)]
    vectors = []
    for found in chain[1].recognise(frames):
        (face,) = found
        assert isinstance(face, Face)
        assert face.name == "face"
        assert np.asarray(cv2.imdecode(np.frombuffer(face.crop, np.uint8), cv2.IMREAD_COLOR)).shape == (112, 112, 3)
        right, left, nose, *_ = face.landmarks
        assert right[0] < nose[0] < left[0]
        vectors.append(np.frombuffer(face.vector, np.float16).astype(np.float32))
    assert float(vectors[0] @ vectors[2]) > 0.9
    assert float(vectors[1] @ vectors[2]) > like.genuine_mean


def test_no_face_no_finding_and_poor_ones_say_so(chain: Chain, faces: list[Example], like: Likeness) -> None:
    empty = Frame(np.full((480, 640, 3), 128, np.uint8), 0.0, 640, 480)
    tiny = Frame(np.zeros((1, 1, 3), np.uint8), 0.0, 1, 1)
    assert chain[1].recognise([empty, tiny]) == [(), ()]
    path = next(iter(sorted((Path(MEDIA) / "faces" / "amy").iterdir())))
    small = cv2.resize(
        np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8), (40, 40), interpolation=cv2.INTER_AREA
    )
    scene = np.full((240, 320, 3), 96, np.uint8)
    scene[100:140, 100:140] = small[:, :, ::-1]
    (face,) = chain[1].recognise([Frame(scene, 0.0, 320, 240)])[0]
    assert isinstance(face, Face)
    assert face.quality < 0.8
    poor = Query(np.frombuffer(face.vector, np.float16).astype(np.float32), like.least_quality - 0.01)
    assert verdict(People(known(faces), like).identify([poor])[0]) != "apply"


@pytest.mark.parametrize(("video", "people"), [("chaplin.mp4", 2), ("demo_skeleton.mp4", 2)])
def test_a_person_in_a_video_is_one_group(video: str, people: int, chain: Chain, like: Likeness) -> None:
    capture = cv2.VideoCapture(str(Path(MEDIA) / "videos" / video))
    frames_per_s, step = capture.get(cv2.CAP_PROP_FPS), max(1, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) // 40)
    views: list[View] = []
    times_s: list[float] = []
    for number in range(10_000):
        if not capture.grab():
            break
        if number % step:
            continue
        bgr = np.asarray(capture.retrieve()[1], np.uint8)
        times_s.append(number / frames_per_s)
        frame = Frame(np.ascontiguousarray(shrink(bgr, 640)[:, :, ::-1]), times_s[-1], bgr.shape[1], bgr.shape[0])
        for face in chain[1].recognise([frame])[0]:
            assert isinstance(face, Face)
            assert face.box is not None
            vector = np.frombuffer(face.vector, np.float16).astype(np.float32)
            views.append(View(times_s[-1], face.box, vector, face.quality))
    found = [track for track in tracks(views, like, times_s) if len(track.views) >= 3]
    grouper = Grouper(like, 128)
    qualities = np.array([track.quality for track in found], np.float32)
    grouper.add(FaceBatch(np.arange(len(found)), np.array([track.vector for track in found]), qualities))
    assert 1 <= len(grouper.groups()) <= 1.2 * people
