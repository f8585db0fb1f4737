"""The operation ``people``: its actions, one function each, for pages, tasks and the terminal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from tagger.app import App
from tagger.errors import ConfigError, TaggerError
from tagger.folder import PICTURES, VIDEOS, quick_fingerprint
from tagger.library.find import Order
from tagger.library.people import correcting
from tagger.library.people.census import change_people, forget_people
from tagger.library.people.correcting import Changed
from tagger.library.people.desk import Desk
from tagger.library.people.learning import Learned, Learner
from tagger.library.progress import many, words
from tagger.library.tag import tag_library
from tagger.library.tools import Tools
from tagger.operations import knowing, looking
from tagger.operations.knowing import Said
from tagger.operations.operation import Answer, Operation, Wish, as_worker
from tagger.people_store import PEOPLE_NAME, NewFace, PeopleStore, Place
from tagger.types import Box, ItemRef, MediaItem, parse_item

_Action = Callable[[App, Desk, Wish], Said]
_NOBODY = (
    "Looked for were performers with a picture, and scenes and images with one performer whom you put there: give some "
    "of them one, or a folder that has a folder of pictures for each person, as in: people learn PEOPLE."
)
_OFF = "People are off, or their model isn't here: set features.people and run 'Set up'."


def people(app: App, wish: Wish) -> Answer:
    """list, learn [DIR], examples [NAME], groups, faces ITEM, name GROUP NAME, not NAME WHAT…, and more (ACTIONS)."""
    action = ACTIONS.get(wish.action)
    if action is None:
        raise ConfigError(f"There is no 'people {wish.action}'; there are: {', '.join(ACTIONS)}.")
    _ = app.library  # Whose people? Raises ConfigError.
    if wish.action in READS:
        lines, data = action(app, _desk(app), wish)
        return Answer(lines, data)
    with as_worker(app, f"people {wish.action}"):
        if wish.action == "forget" and wish.everybody:
            lines, data = _forget_everybody(app)
        else:
            problems = app.fetch_missing() if wish.action in LOOKS else []
            for problem in problems:
                app.progress.warn(problem)
            app.be_modest()
            lines, data = action(app, _desk(app), wish)
        looking.follow_reports(app, lines)
    return Answer(lines, data)


def _desk(app: App) -> Desk:
    if app.desk is None:
        raise TaggerError(_OFF)
    return app.desk


def _report(app: App, desk: Desk, wish: Wish) -> Said:
    del desk, wish
    report = looking.write_people_report(app, [])
    return [f"Report: {report}"], {"report": str(report)}


# ---------------------------------------------------------------- learning


def _learn(app: App, desk: Desk, wish: Wish) -> Said:
    learner = Learner(desk, app.face_pipeline, app.library, app.store)
    if wish.names:
        learner.from_folder(people_in(Path(wish.names[0])), wish.create)
    elif app.folder is not None:
        raise ConfigError(
            "Learn from what? A plain folder says of nobody who it is: give a folder that has a folder of pictures for "
            "each person, as in: people learn PEOPLE --folder DIR."
        )
    else:
        learner.from_performers()
        learner.from_items(app.config.scope.to_scope())
    items = change_people(_tools(app), lambda _: None, why="learning people")
    learned = learner.learned
    lines = learned.lines()
    if not wish.names and not learned.examples:
        lines.append(_NOBODY)
    lines.append(_judged(items))
    data = {
        "examples": dict(learned.examples),
        "refused": [{"what": what, "why": why} for what, why in learned.refused],
        "made": learned.made,
        "without_performer": learned.unknown,
        "items": items,
    }
    return lines, data


def people_in(folder: Path) -> list[tuple[str, list[MediaItem]]]:
    """One subfolder a person. Raises ConfigError."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} isn't a folder: give one that has a folder for each person.")
    found = [(sub.name, _pictures(sub)) for sub in sorted(folder.iterdir()) if sub.is_dir()]
    found = [(name, pictures) for name, pictures in found if pictures and not name.startswith(".")]
    if not found:
        raise ConfigError(f"{folder} has no subfolders with pictures: make one for each person, named as they are.")
    return found


def _pictures(folder: Path) -> list[MediaItem]:
    items = []
    for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES | VIDEOS and p.is_file()):
        stat, video = file.stat(), file.suffix.lower() in VIDEOS
        fingerprint = quick_fingerprint(file, stat.st_size, stat.st_mtime_ns)
        ref = ItemRef("scene" if video else "image", str(file))
        items.append(
            MediaItem(
                ref, "video" if video else "image", "", fingerprint, str(file.absolute()), size_bytes=stat.st_size
            )
        )
    return items


@contextmanager
def known_from(app: App, folder: Path) -> Iterator[tuple[Desk, Learned]]:
    """The people of a folder as the known ones, for as long as it lasts; nothing is kept."""
    with tempfile.TemporaryDirectory() as place:
        store = PeopleStore(Path(place) / PEOPLE_NAME, "look")
        try:
            desk = app.desk_over(lambda: store)
            if desk is None:
                raise TaggerError(_OFF)
            learner = Learner(desk, app.face_pipeline, None, None)
            learner.from_folder(people_in(folder), create=False)
            desk.changed()
            yield desk, learner.learned
        finally:
            store.close()


# ---------------------------------------------------------------- saying


def _name(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    what, name = _what_and_name(wish, "people name GROUP NAME")
    changed = correcting.name_faces(_tools(app), what, name, wish.create)
    left = f"; {changed.left} left out, since you said so" if changed.left else ""
    return _done(f"{_are(changed.faces)} {name} now{left}. {_judged(changed.items)}", changed)


def _is(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    what, name = _what_and_name(wish, "people is FACE NAME")
    changed = correcting.somebody_else(_tools(app), what, name, wish.create)
    return _done(f"That is {name}. {_judged(changed.items)}", changed)


def _not(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    if len(wish.names) < 2:
        raise ConfigError("Say who, and where not: people not NAME WHAT… (face:12, group:5, image:3).")
    name, *whats = wish.names
    changed = correcting.not_person(_tools(app), name, whats)
    return _done(f"Not {name}, kept for ever: {many(changed.faces, 'time')}. {_judged(changed.items)}", changed)


def _merge(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    one, other = _two(wish, "people merge ONE OTHER")
    changed = correcting.merge(_tools(app), one, other)
    return _done(f"They are one now{f': group {changed.group}' if changed.group else ''}.", changed)


def _split(app: App, desk: Desk, wish: Wish) -> Said:
    if not wish.names:
        raise ConfigError("Say which group: people split group:5 [FACE…]; without faces its two halves part.")
    group, *faces = wish.names
    group = group if ":" in group else f"group:{group}"
    if wish.dry_run:
        from tagger.library.people.gathering import halves

        large, small = halves(correcting.about(desk, app.library, group).faces)
        return [f"Would part faces {small} from {large}."], {"stay": large, "go": small}
    numbers = [int(face.removeprefix("face:")) for face in faces if face.removeprefix("face:").isdigit()]
    changed = correcting.split(_tools(app), group, numbers)
    return _done(f"{_are(changed.faces)} group {changed.group} now.", changed)


def _ignore(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    changed = correcting.mark_faces(_tools(app), wish.names, "ignored")
    return _done(f"{_are(changed.faces)} ignored from now on.", changed)


def _no_face(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    changed = correcting.mark_faces(_tools(app), wish.names, "not_face")
    return _done(f"Kept for ever: {many(changed.faces, 'time')} no face.", changed)


def _add(app: App, desk: Desk, wish: Wish) -> Said:
    what, name = _what_and_name(wish, "people add image:3 NAME --box x0,y0,x1,y1")
    ref = parse_item(what)
    try:
        edges = [float(edge) for edge in wish.box.split(",")]
        box = Box(*edges)
    except (ValueError, TypeError):
        raise ConfigError("--box wants four fractions of the picture, such as 0.1,0.2,0.3,0.5.") from None
    if ref is None or not 0 <= box.x0 < box.x1 <= 1 or not 0 <= box.y0 < box.y1 <= 1:
        raise ConfigError("Name an item (image:3, scene:4) and a box in fractions of the picture: 0.1,0.2,0.3,0.5.")
    item = next(iter(app.library.get([ref])), None)
    if item is None:
        raise TaggerError(f"{ref.kind} {ref.id} isn't in the library.")
    face = _drawn(app, desk, item, Place(wish.time_s, box))
    changed = correcting.draw(_tools(app), ref, item.fingerprint, face, name, wish.create)
    return _done(
        f"That is {name}{'' if face.vector else ' (no face could be made out, so it teaches nothing)'}.", changed
    )


def _drawn(app: App, desk: Desk, item: MediaItem, place: Place) -> NewFace:
    """The face that a person drew: with a vector if a face is found there after all, else only its place."""
    from tagger.people_store.values import overlap

    pipeline = app.face_pipeline
    for look in pipeline.looks([(item, pipeline.models)]):
        faces = desk.faces_in(item, look.sightings, look.width) if look.error is None else []
        near = [f for f in faces if overlap(f.places[0].box, place.box) > 0.2]
        if near:
            return replace(near[0], places=(place,), score=2.0)
    return NewFace((place,), b"", 0.0, 2.0)


# ---------------------------------------------------------------- forgetting, again


def _take_back(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    numbers = [int(name) for name in wish.names if name.isdigit()]
    changed = correcting.take_back(_tools(app), numbers)
    return _done(
        f"{many(changed.faces, 'example')} taken back; what is no example any more isn't learned again.", changed
    )


def _forget(app: App, desk: Desk, wish: Wish) -> Said:
    del desk
    if not wish.names:
        raise ConfigError("Say whom: people forget NAME, or --everybody.")
    for name in wish.names:
        correcting.forget(_tools(app), name)
    return [f"Forgotten: {', '.join(wish.names)}. Performers in the library stay where they are."], {
        "forgotten": list(wish.names)
    }


def _forget_everybody(app: App) -> Said:
    app.people_store.forget_everybody()
    app.store.forget_sightings([spec.model for spec in app.face_specs])
    return ["Everything about faces is deleted. Performers in the library stay where they are."], {"forgotten": "all"}


def _forget_gone(app: App, desk: Desk, wish: Wish) -> Said:
    del wish
    there = {performer.id for performer in app.library.performers()}
    gone = [person for person in desk.store.people() if person.performer_id and person.performer_id not in there]
    change_people(_tools(app), lambda desk: forget_people(desk, gone))
    return [f"Forgotten: {len(gone)} people that the library doesn't have any more."], {"forgotten": len(gone)}


def _reembed(app: App, desk: Desk, wish: Wish) -> Said:
    """Look at all files again that this model hasn't seen, for faces only; it says its cost first."""
    seen = app.store.seen()
    total = sum(app.library.count(kind, app.config.scope.to_scope()) for kind in ("scene", "image"))
    left = max(0, total - seen.get(desk.model, 0))
    each_s = float(app.store.fact("seconds a look") or 0)
    cost = f"about {words(left * each_s)} at the pace of the last run" if each_s else "as long as a first run"
    line = f"{left:,} of {total:,} files have no faces by {desk.model} yet: {cost}."
    app.progress.say(line)
    if wish.dry_run:
        return [line], {"files": left, "seconds": round(left * each_s)}
    tools = replace(app.tools(looking=False, judging=True), pipeline=app.face_pipeline)
    outcome = tag_library(tools, Order("tag", app.config.scope.to_scope(), slice_s=1e9, backup=app.backs_up))
    return [f"{outcome.counts.get('looked', 0):,} files were looked at."], {"files": left, **dict(outcome.counts)}


def _again(app: App, desk: Desk, wish: Wish) -> Said:
    del wish
    items = change_people(_tools(app), lambda desk: desk.store.wait("file", desk.store.all_files(desk.model)), True)
    del desk
    return [_judged(items)], {"items": items}


# ---------------------------------------------------------------- the parts


def _tools(app: App) -> Tools:
    return app.tools(looking=False, judging=True)


def _done(line: str, changed: Changed) -> Said:
    return [line], asdict(changed)


def _are(faces: int) -> str:
    return f"{many(faces, 'face')} {'is' if faces == 1 else 'are'}"


def _judged(items: int) -> str:
    return f"{many(items, 'item')} {'was' if items == 1 else 'were'} judged again."


def _what_and_name(wish: Wish, usage: str) -> tuple[str, str]:
    if len(wish.names) < 2:
        raise ConfigError(f"Say what and who: {usage}.")
    what = wish.names[0]
    return (what if ":" in what else f"group:{what}"), " ".join(wish.names[1:])


def _two(wish: Wish, usage: str) -> Sequence[str]:
    if len(wish.names) != 2:
        raise ConfigError(f"Name two: {usage} (group:1 group:2, or two people).")
    return wish.names


READS = frozenset({"list", "examples", "groups", "faces", "report"})
LOOKS = frozenset({"learn", "add", "reembed"})
ACTIONS: Mapping[str, _Action] = {
    "list": knowing.people,
    "learn": _learn,
    "examples": knowing.examples,
    "take-back": _take_back,
    "groups": knowing.groups,
    "faces": knowing.faces,
    "report": _report,
    "name": _name,
    "is": _is,
    "not": _not,
    "merge": _merge,
    "split": _split,
    "ignore": _ignore,
    "no-face": _no_face,
    "add": _add,
    "forget": _forget,
    "forget-gone": _forget_gone,
    "reembed": _reembed,
    "again": _again,
}
ENTRIES: Mapping[str, Operation] = {
    "people": people,
}
