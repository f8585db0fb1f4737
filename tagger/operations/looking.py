"""Looking at files without a library behind them (``look``, ``demo``), and the reports that a person opens."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tagger.app import App
from tagger.demo import draw_demo
from tagger.errors import ConfigError
from tagger.folder import PICTURES, VIDEOS
from tagger.judgement.vocabulary import TagIndex
from tagger.library.attempt import Tried
from tagger.library.people.desk import Desk
from tagger.pages import tried as shown_tried
from tagger.pages.item import address
from tagger.ports import Standing
from tagger.recognizers.builtin import builtins
from tagger.report import FaceRow, ReportItem, ReportSummary, write_report, write_tags_json
from tagger.report.exchange import item_json
from tagger.report.frames import choose
from tagger.types import ItemKind, ItemRef, MediaItem

_PAGE = 500
_PEOPLE = "people"  # the folder of their report, in that of the library's
_NAME_MOST = 40
_MOST_ROWS, _MOST_FACES = 200, 24


def items_of(paths: Sequence[Path]) -> Iterator[MediaItem]:
    """Files as items; a folder stands for the pictures and videos below it. A path that isn't there is an item too:
    the media seam says so, as that item's reason. One that is named twice is one item."""
    seen: set[Path] = set()
    for path in paths:
        below = sorted(p for p in path.rglob("*") if p.is_file() and _is_media(p)) if path.is_dir() else [path]
        for file in below:
            if (place := Path(os.path.normpath(file.absolute()))) in seen:
                continue
            seen.add(place)
            video = file.suffix.lower() in VIDEOS
            size = file.stat().st_size if file.is_file() else 0
            yield MediaItem(
                ItemRef("scene" if video else "image", str(file)),
                "video" if video else "image",
                "",
                f"path:{file}",
                path=str(file.absolute()),
                size_bytes=size,
            )


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in PICTURES | VIDEOS


def look_at(app: App, items: Iterable[MediaItem], people: Desk | None = None) -> Iterator[Tried]:
    """Look and judge; nothing is kept. ``people`` are the known ones (None: nobody is)."""
    index = TagIndex(())
    models = app.pipeline.models
    for look in app.pipeline.looks((item, models) for item in items):
        duration_s = look.duration_s or look.item.duration_s
        decisions = app.judge.decide(look.sightings, duration_s, index, Standing(), look.item.path)
        decisions += people.decide_look(look) if people is not None else []
        yield Tried(look, tuple(decisions))


def look_json(app: App, paths: Sequence[Path], people: Desk | None = None) -> Iterator[dict[str, Any]]:
    """One object for each file: path, kind, error, predictions."""
    for tried in look_at(app, items_of(paths), people):
        seen = item_json(_report_item(tried))
        yield {
            "path": tried.look.item.ref.id,
            "kind": tried.look.item.media,
            "error": seen["error"],
            "predictions": seen["predictions"],
        }


def demo(app: App, folder: Path | None, notes: Sequence[str]) -> tuple[Path, int, int]:
    """Look at a folder, or at drawn media, and write the report: where it is, files that failed, files in all.

    Raises ConfigError when there is nothing to look at; a former report stays then.
    """
    if folder is not None and not folder.exists():
        raise ConfigError(f"There is no folder {folder}: give one with pictures or videos.")
    if folder is not None and next(items_of([folder]), None) is None:
        raise ConfigError(f"There are no pictures or videos in {folder}.")
    media = [folder] if folder is not None else draw_demo(app.data / "demo")
    failed = n = 0

    def entries() -> Iterator[ReportItem]:
        nonlocal failed, n
        for tried in look_at(app, items_of(media)):
            n += 1
            if tried.look.error is not None:
                failed += 1
                app.progress.warn(f"{tried.look.item.name}: {tried.look.error}")
            yield _report_item(tried, folder)

    report = write_report(app.data, entries(), _summary(app, "What AI Tagger sees", notes, {}))
    return report, failed, n


def write_tried_report(app: App, items: Sequence[Tried], title: str, notes: Sequence[str]) -> Path:
    """The report of an attempt, in its own folder."""
    return write_report(app.data / "try", map(_report_item, items), _summary(app, title, notes, {}))


def keep_tried(app: App, items: Sequence[Tried]) -> None:
    """For the page on which somebody judges what would be written. Raises OSError."""
    shown_tried.keep(app.data, app.library.key, [_as_shown(one) for one in items])


def _as_shown(one: Tried) -> dict[str, Any]:
    look, names = one.look, defaultdict[str, dict[str, float]](dict)
    for decision in sorted(one.decisions, key=lambda decision: -decision.prediction.probability):
        names[decision.verdict].setdefault(decision.tag, round(decision.prediction.probability, 4))
    shown = choose(look.thumbs, [d for d in one.decisions if d.verdict in ("apply", "review")])
    return {
        **look.item.ref._asdict(),
        "name": look.item.name,
        "picture": address(shown.thumbs[0]) if shown.thumbs else "",
        "apply": list(names["apply"].items()),  # Stash would sort what has keys.
        "review": list(names["review"].items()),
        "problem": look.error or "",
    }


def must_hold_media(app: App) -> None:
    """A plain folder without a picture or video is the wrong one, or its drive isn't there. Raises ConfigError."""
    kinds: tuple[ItemKind, ...] = ("image", "scene")
    if app.folder is not None and not any(app.library.ids(kind, "", 1) for kind in kinds):
        raise ConfigError(
            f"There are no pictures or videos in {app.library.name}: correct the path, or connect its drive."
        )


def reports(app: App) -> Path:
    """The folder of the reports of this library, which no other library's writes over."""
    name = os.path.basename(os.path.abspath(app.folder)) if app.folder is not None else "stash"  # noqa: PTH100, PTH119
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_NAME_MOST]
    of = hashlib.sha256(app.library.key.encode()).hexdigest()[:8]
    return app.data / "reports" / (f"{plain}-{of}" if plain else of)


def write_folder_report(app: App, notes: Sequence[str]) -> Path:
    """``report.html`` and ``tags.json`` of a plain folder, from what is stored."""
    summary = replace(_summary(app, f"Tags of {app.library.name}", notes, app.store.summary()), faces=face_rows(app))
    write_tags_json(reports(app) / "tags.json", _stored(app))
    return write_report(reports(app), _stored(app), summary)


def follow_reports(app: App, notes: Sequence[str]) -> Path | None:
    """A plain folder's report, where it is, and that of people if there is one: whose faces are forgotten, or kept no
    more, isn't shown there either."""
    if (reports(app) / _PEOPLE).exists():
        write_people_report(app, notes)
    return write_folder_report(app, notes) if app.folder is not None else None


def write_people_report(app: App, notes: Sequence[str]) -> Path:
    """The people of a library and its groups of unknown faces, in their own folder."""
    summary = replace(_summary(app, f"People of {app.library.name}", notes, {}), faces=face_rows(app))
    return write_report(reports(app) / _PEOPLE, (), summary)


def face_rows(app: App) -> tuple[FaceRow, ...]:
    """Groups of unknown faces, the largest first, then known people; none where people are off, no crops where none
    are kept."""
    desk = app.desk
    if desk is None:
        return ()
    keep = app.config.keep.crops
    rows = []
    for group in desk.store.groups(desk.model, desk.wanted.least_group)[:_MOST_ROWS]:
        crops = tuple(f.face.crop for f in desk.store.faces(group.faces[:_MOST_FACES]) if f.face.crop and keep)
        size = len(group.faces)
        rows.append(FaceRow(f"Group {group.id}", f"{size:,} unknown faces", crops, size - len(crops)))
    for person in desk.store.people():
        mine = desk.store.examples(desk.model, person.id)
        crops = tuple(e.crop for e in mine[:_MOST_FACES] if e.crop and keep)
        rows.append(FaceRow(person.name, f"{len(mine):,} examples", crops, len(mine) - len(crops)))
    return tuple(rows)


def _stored(app: App) -> Iterator[ReportItem]:
    scope = app.config.scope.to_scope()
    kinds: tuple[ItemKind, ...] = ("scene", "image")
    for kind in kinds:
        after = ""
        while page := app.library.page(kind, scope, after, _PAGE):
            after = page[-1].ref.id
            decisions = app.store.decisions([item.ref for item in page])
            shapes = app.store.file_shapes([item.fingerprint for item in page])
            standing = app.store.standing(page)
            for item in page:
                width, height, duration_s = shapes.get(item.fingerprint, (0, 0, 0.0))
                yield ReportItem(
                    name=item.name,
                    path=item.ref.id,
                    kind=item.media,
                    width=width,
                    height=height,
                    duration_s=duration_s,
                    error=standing[item.ref].failure or None,
                    decisions=tuple(decisions.get(item.ref, ())),
                    thumbs=tuple(app.store.thumbs(item.fingerprint)),
                )


def _report_item(tried: Tried, folder: Path | None = None) -> ReportItem:
    look = tried.look
    path = Path(look.item.path or look.item.name)
    shown = (
        path.relative_to(folder.absolute()) if folder is not None and path.is_relative_to(folder.absolute()) else path
    )
    return ReportItem(
        name=look.item.name,
        path=str(shown),
        kind=look.item.media,
        width=look.width,
        height=look.height,
        duration_s=look.duration_s,
        error=look.error,
        decisions=tried.decisions,
        thumbs=look.thumbs,
    )


def _summary(app: App, title: str, notes: Sequence[str], counts: dict[str, int]) -> ReportSummary:
    now = datetime.now(UTC)
    licences = [(spec.model, spec.licence) for spec in app.installed]
    builtin = [r.model for r in builtins() if app.mode(r.feature) != "off"]
    return ReportSummary(
        title=title,
        made_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        counts=counts,
        models=(*licences, *((model, "built in") for model in sorted(builtin))),
        notes=tuple(notes),
    )
