"""Spoilt pictures of the same people: nobody is taken for another, and most are still known."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.altered import CHANGES, altered
from bench.faces import Example, portraits, recogniser, strangers
from tagger.catalogue import Source
from tagger.people.likeness import Likeness
from tagger.ports import Recognizer
from tagger.recognizers.faces import Found
from tagger.recognizers.faces.align import REFERENCE, evened, quality

MIRROR, MEDIA = os.environ.get("AI_TAGGER_MIRROR", ""), os.environ.get("AI_TAGGER_TEST_MEDIA", "")
real = pytest.mark.skipif(
    not MIRROR or not MEDIA,
    reason="set AI_TAGGER_MIRROR and AI_TAGGER_TEST_MEDIA to test with real weights and pictures",
)
# Of 40 at least so many are named rightly, and such a share is gathered.
LEAST = {
    "mirrored": (40, 0.98),
    "grey": (40, 0.98),
    "JPEG of quality 10": (40, 0.98),
    "half as large": (39, 0.95),
    "tilted by 30 degrees": (36, 0.9),
    "darker, 0.2 times": (38, 0.9),
    "faded": (37, 0.9),
    "blurred": (36, 0.9),
    "noise of deviation 25": (27, 0.4),
}
Known = tuple[Recognizer, Likeness, list[Example], list[Example]]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    spec, recognizer = recogniser("mobilefacenet", Source(MIRROR), tmp_path_factory.mktemp("models"))
    media = Path(MEDIA)
    return recognizer, Likeness.of(spec.identity), portraits(media, recognizer), strangers(media, recognizer)


@real
@pytest.mark.parametrize("change", LEAST)
def test_spoilt_pictures_are_known_and_nobody_is_wrong(change: str, known: Known) -> None:
    recognizer, like, plain, others = known
    seen = altered(plain, portraits(Path(MEDIA), recognizer, CHANGES[change]), others, like)
    applied, gathered = LEAST[change]
    assert seen.wrong == 0
    assert min(seen.asked, seen.known, seen.both) >= applied
    assert seen.groups.pure >= 0.99
    assert seen.groups.whole >= gathered


def face_like() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """112 × 112 of smooth light with sharp things in it."""
    y, x = np.mgrid[:112, :112]
    picture = np.repeat((60 + x + y / 2)[:, :, None], 3, axis=2).astype(np.uint8)
    for place in REFERENCE.astype(int):
        cv2.circle(picture, tuple(int(edge) for edge in place), 5, (20, 20, 30), -1)
    return picture


def test_a_dark_or_faded_face_is_embedded_as_if_it_were_clear() -> None:
    clear = face_like()
    assert evened(clear) is clear
    for poor in ((clear * 0.3).astype(np.uint8), (clear * 0.35 + 90).astype(np.uint8)):
        assert np.corrcoef(evened(poor).ravel(), clear.ravel())[0, 1] > 0.99
        assert np.ptp(evened(poor)) > 2 * np.ptp(poor)
    flat = np.full((112, 112, 3), 40, np.uint8)
    assert np.ptp(evened(flat)) == 0


def test_noise_does_not_pass_for_sharpness() -> None:
    clear, found = face_like(), Found(0.95, np.array((0, 0, 100, 120), np.float32), REFERENCE)
    grain = np.random.default_rng(0).normal(0, 1, clear.shape)
    noisy = [
        quality(np.asarray(np.clip(clear + deviation * grain, 0, 255), np.uint8), found) for deviation in (2, 12, 30)
    ]
    assert quality(clear, found) == pytest.approx(noisy[0], abs=0.05)
    assert noisy[0] > noisy[1] > noisy[2]
    dark = np.asarray(np.clip(clear * 0.3 + 4 * grain, 0, 255), np.uint8)
    assert quality(dark, found) < quality(np.asarray(np.clip(clear + 4 * grain, 0, 255), np.uint8), found)
