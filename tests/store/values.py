"""Small values for the store's tests."""

from __future__ import annotations

from collections.abc import Iterable

from tagger.ports import Settlement
from tagger.types import (
    Box,
    Decision,
    Evidence,
    FrameFindings,
    ItemKind,
    ItemRef,
    Label,
    Look,
    MediaItem,
    PlannedChange,
    Prediction,
    Sighting,
    Thumb,
    Verdict,
)

MODEL = "detector@1"


def item(
    item_id: str = "1", fingerprint: str = "", tags: Iterable[str] = (), kind: ItemKind = "scene", path: str = ""
) -> MediaItem:
    return MediaItem(
        ItemRef(kind, item_id), "video", "", fingerprint or f"oshash:{item_id}", path=path, tag_ids=frozenset(tags)
    )


def sighting(model: str = MODEL, label: str = "dog") -> Sighting:
    box = Box(0.1, 0.2, 0.3333, 0.9)
    frames = (
        FrameFindings(0.0, (Label(label, 0.9123, box, ("red", 0.61)), Label("cat", 0.05, box), Label("indoor", 0.5))),
        FrameFindings(1.25, ()),
    )
    return Sighting(model, frames)


def look(of: MediaItem, *models: str, error: str | None = None, thumbs: tuple[Thumb, ...] = ()) -> Look:
    seen = tuple(sighting(model) for model in models or (MODEL,))
    return Look(of, seen, thumbs, width=1920, height=1080, duration_s=12.5, error=error)


def decision(tag: str = "Dog", verdict: Verdict = "apply", probability: float = 0.95) -> Decision:
    evidence = (Evidence(1.25, 0.9123, Box(0.1, 0.2, 0.3, 0.4), MODEL), Evidence(2.0, 0.5))
    subject = tag.lower()
    prediction = Prediction("objects", subject, probability, 0.9123, subject, (MODEL,), False, ((0.0, 2.5),), evidence)
    return Decision(prediction, verdict, tag, f"thresholds.{verdict}", "It was seen. Größe: 5 %")


def plan(of: MediaItem, tag: str = "Dog", tag_id: str = "7") -> PlannedChange:
    return PlannedChange(
        of.ref, of.fingerprint, tag, tag_id, MODEL, 0.9123, 0.95, "thresholds.apply", "It was seen.", of.tag_ids
    )


def settlement(of: MediaItem, *plans: PlannedChange, decisions: tuple[Decision, ...] = ()) -> Settlement:
    return Settlement(of, decisions or (decision(),), plans)
