"""What counts as much at once, and which tags look like the same."""

from __future__ import annotations

import io
import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from tagger.library.learn import is_much
from tagger.library.order import alike
from tagger.library.tidy import twice
from tagger.types import Tag, Thumb


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**4))
def test_more_is_never_less_much(missed: int, ours: int, more: int) -> None:
    assert is_much(missed, ours) <= is_much(missed + more, ours)
    assert is_much(missed, ours + more) <= is_much(missed, ours)


def test_a_handful_is_learned_and_thousands_are_not() -> None:
    assert not is_much(1, 1) and not is_much(3, 5) and not is_much(150, 10_000)
    assert is_much(4, 20) and is_much(201, 10**6) and is_much(8, 8)


def test_tags_that_look_like_the_same() -> None:
    names = ["Dog", "dogs", "Sofa", "Couch", "Landscape", "Landscpae", "Beach", "Peach", "Cat 10", "Cat 11", "Sunset"]
    tags = [Tag(str(i), name) for i, name in enumerate(names, 1)]
    found = {(one, other): why for one, other, why in twice(tags, {"couch": ["sofa"]})}
    assert found == {
        ("Dog", "dogs"): "the same word",
        ("Sofa", "Couch"): "a synonym",
        ("Landscape", "Landscpae"): "spelled alike",
    }
    random.Random(1).shuffle(tags)
    assert {(a, b): w for a, b, w in twice(tags, {"couch": ["sofa"]})} == found


def test_pictures_that_look_alike_have_one_number() -> None:
    dice = random.Random(3)

    def jpeg(picture: Image.Image, quality: int) -> Thumb:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        return Thumb(0.0, out.getvalue())

    numbers, same = [], 0
    for _ in range(40):
        small = Image.frombytes("RGB", (5, 4), bytes(dice.randrange(256) for _ in range(60)))
        picture = small.resize((240, 200), Image.Resampling.NEAREST)
        numbers.append(alike(jpeg(picture, 90)))
        same += numbers[-1] == alike(jpeg(picture.filter(ImageFilter.GaussianBlur(1)).resize((120, 100)), 60))
    assert same >= 34, "a field that is hardly brighter than its neighbour may flip"
    assert sum(one == other for one, other in pairwise(numbers)) == 0
    assert alike(Thumb(0.0, b"broken")) != alike(Thumb(0.0, b"also"))
