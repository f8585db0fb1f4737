"""Items for the report's tests, and a sample of it to look at: pictures drawn by code, plausible decisions.

``python -m tests.report.sample DIR [COUNT]`` writes the sample.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from tagger.report import ReportItem, ReportSummary, write_report, write_tags_json
from tagger.types import Box, Decision, Evidence, Prediction, Thumb, Verdict

MODEL = "deimv2-femto@1"
SKIES: list[tuple[tuple[int, int, int], tuple[int, int, int]]] = [
    ((250, 196, 140), (92, 110, 160)),
    ((150, 200, 240), (225, 240, 250)),
    ((20, 26, 52), (60, 50, 92)),
]
PEOPLE = ("red", "teal", "orange", "purple")


def decision(
    name: str,
    probability: float,
    verdict: Verdict,
    *evidence: Evidence,
    feature: str = "objects",
    label: str = "",
    spans_s: tuple[tuple[float, float], ...] = (),
    why: str = "",
) -> Decision:
    best = max((one.score for one in evidence), default=probability)
    prediction = Prediction(
        feature, name.lower(), probability, best, label or name.lower(), (MODEL,), True, spans_s, evidence
    )
    rule = {"apply": "at least 90 % is applied", "review": "70 to 90 % is for you to review", "keep": "a hint"}
    said = why or f"Seen in {max(1, len(evidence))} of 12 frames, at best with {best:.0%}; {rule.get(verdict, 'no')}."
    return Decision(prediction, verdict, name, f"thresholds.{verdict}", said)


def _scene(size: tuple[int, int], kind: int, people: tuple[Box, ...], sun: Box) -> Image.Image:
    """A drawn landscape with a sun and some figures in it."""
    width, height = size
    top, bottom = SKIES[kind % len(SKIES)]
    sky = Image.new("RGB", (1, height))
    for y in range(height):
        share = y / height
        sky.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))
    picture = sky.resize(size)
    draw = ImageDraw.Draw(picture)

    def scaled(box: Box) -> tuple[float, float, float, float]:
        return box.to_pixels(width, height)

    draw.ellipse(scaled(sun), fill=(255, 240, 200))
    for row, shade in enumerate(((70, 92, 110), (52, 76, 84), (36, 58, 56))):
        base = height * (0.55 + 0.14 * row)
        hills = [(x, base + height * 0.08 * ((x * (row + 2) // 60 * 37 % 10) / 10)) for x in range(0, width + 60, 60)]
        draw.polygon([(0, height), *hills, (width, height)], fill=shade)
    for box, colour in zip(people, PEOPLE, strict=False):
        x0, y0, x1, y1 = scaled(box)
        head = (x1 - x0) * 0.5
        draw.ellipse((x0 + head / 2, y0, x1 - head / 2, y0 + head), fill=(226, 188, 160))
        draw.rounded_rectangle((x0, y0 + head, x1, y1), radius=head * 0.6, fill=colour)
    return picture.filter(ImageFilter.GaussianBlur(0.6))


@lru_cache(maxsize=64)
def jpeg(size: tuple[int, int], kind: int, people: tuple[Box, ...] = (), sun: Box = Box(0.7, 0.1, 0.8, 0.25)) -> bytes:  # noqa: B008
    out = io.BytesIO()
    _scene(size, kind, people, sun).save(out, "JPEG", quality=80)
    return out.getvalue()


def picture(n: int) -> ReportItem:
    random = Random(n % 60)
    size = [(320, 213), (320, 180), (213, 320), (320, 320)][n % 4]
    people = tuple(
        Box(x, y, x + 0.11, y + 0.42)
        for x, y in ((0.1 + 0.22 * i, random.uniform(0.42, 0.5)) for i in range(random.randint(1, 4)))
    )
    sun = Box(0.7, 0.1, 0.7 + 0.14 * size[1] / size[0], 0.24)
    seen = [Evidence(0.0, 0.9 - 0.1 * i, box) for i, box in enumerate(people)]
    decisions = [
        decision("Person", 0.9 + n % 10 / 101, "apply", *seen),
        decision("Outdoor", 0.985, "apply", Evidence(0.0, 0.97), feature="scenes", label="field/wild",
                 why="Nine outdoor scenes together have 98 %, the strongest “field/wild”; at least 90 % is applied."),
        decision("Sun", 0.84, "review", Evidence(0.0, 0.8, sun)),
        decision("Mountain", 0.42, "keep", Evidence(0.0, 0.4), feature="themes", label="alp"),
        decision("Kite", 0.2, "drop", Evidence(0.0, 0.2, sun)),
    ]  # fmt: skip
    if n % 3 == 2:
        decisions.append(decision("Night", 0.97, "apply", Evidence(0.0, 0.97), feature="day_night"))
    folder = ("2024 Norway", "Family/Birthday", "phone")[n % 3]
    name = f"{('hike', 'evening at the lake', 'IMG', 'view from the hut')[n % 4]}_{n:04}.jpg"
    thumb = Thumb(0.0, jpeg(size, n, people, sun))
    big = (size[0] * 12, size[1] * 12)
    return ReportItem(name, f"{folder}/{name}", "image", *big, 0.0, None, tuple(decisions), (thumb,))


def video(n: int) -> ReportItem:
    thumbs, evidence, walks = [], [], []
    for i in range(4):
        box = Box(0.1 + 0.2 * i, 0.45, 0.2 + 0.2 * i, 0.88)
        sun = Box(0.7, 0.1 + 0.1 * i, 0.78, 0.24 + 0.1 * i)
        thumbs.append(Thumb(5.0 + 14 * i, jpeg((320, 180), n, (box,), sun)))
        evidence.append(Evidence(5.0 + 14 * i, 0.95 - 0.05 * i, box))
        walks.append(Evidence(5.0 + 14 * i, 0.8 + 0.04 * i, sun))
    decisions = (
        decision("Person", 0.96, "apply", *evidence, spans_s=((2.0, 21.5), (31.0, 50.0))),
        decision("Sun", 0.88, "review", *reversed(walks), spans_s=((0.0, 60.0),)),
        decision("Beach", 0.91, "apply", Evidence(33.0, 0.9), feature="scenes", label="coast", spans_s=((28.0, 40.0),)),
        decision("Dog", 0.35, "keep", Evidence(47.0, 0.35, Box(0.2, 0.7, 0.35, 0.9)), spans_s=((47.0, 47.0),)),
    )
    name = f"walk along the shore {n}.mp4"
    return ReportItem(name, f"videos/{name}", "video", 1920, 1080, 63.0, None, decisions, tuple(thumbs))


def broken(n: int) -> ReportItem:
    name = f"broken_{n}.jpg"
    reason = "The file ends in the middle of the picture: it may have been copied only in part."
    return ReportItem(name, f"phone/{name}", "image", 0, 0, 0.0, reason)


def items(count: int) -> Iterator[ReportItem]:
    for n in range(count):
        if n % 17 == 16:
            yield broken(n)
        elif n % 6 == 1:
            yield video(n)
        else:
            yield picture(n)


SUMMARY = ReportSummary(
    "Holiday pictures",
    "2025-03-09T18:04:11Z",
    {"looked": 49, "skipped": 0, "failed": 2},
    ((MODEL, "Apache-2.0"), ("day-night@1", "built in")),
    41.7,
    ("The model for themes could not be fetched; everything else was looked at. Run the set-up again to get it.",),
)


if __name__ == "__main__":
    target, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    write_tags_json(target / "tags.json", items(count))
    print(write_report(target, items(count), SUMMARY))
