"""Spans of a scene as Stash's markers with a beginning and an end: at a press, or by a rule for the library.

What we made is remembered in the store and taken back as long as it is as we made it; nobody else's is ever touched,
and one of ours that a person deleted or changed is not made again. An entry is kept before its marker is made, so that
one that was made right before we were killed is known as ours, and so that of two processes only one makes it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from tagger.errors import ConfigError, LibraryRefusedError
from tagger.judgement.vocabulary import matches
from tagger.ports import Store
from tagger.types import Decision, ItemRef

Ask: TypeAlias = Callable[[str, Mapping[str, Any]], dict[str, Any]]

_MARKERS = """query Markers($id: ID!) { findScene(id: $id) { tags { id name }
    scene_markers { id title seconds end_seconds primary_tag { id } tags { id } } } }"""
_CREATE = "mutation Create($input: SceneMarkerCreateInput!) { sceneMarkerCreate(input: $input) { id } }"
_DESTROY = "mutation Destroy($ids: [ID!]!) { sceneMarkersDestroy(ids: $ids) }"
_ON_SCENES = "query OnScenes($id: ID!) { findTag(id: $id) { scene_count } }"
_NEAR_S = 0.5
_AT_WORK_S = 60.0
_FACT = "marker "  # and scene, tag, seconds: the name of an entry
_TO_MARK = "scenes to mark"
_PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Span:
    """``tag`` is the marker's primary tag, which the scene has; ``title`` what it is called."""

    tag: str
    title: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Scenes get markers where these tags (names, patterns) are seen. ``ask`` is Stash."""

    ask: Ask
    tags: Sequence[str]

    def spans(self, decisions: Iterable[Decision]) -> list[Span]:
        return spans_of([d for d in decisions if matches(d.tag, self.tags)])


def spans_of(decisions: Iterable[Decision]) -> list[Span]:
    """Of all that is written; people have no tag to hang a marker on."""
    return [
        Span(d.tag, d.tag, begin, end)
        for d in decisions
        if d.verdict == "apply" and d.prediction.feature != _PEOPLE
        for begin, end in d.prediction.spans_s
    ]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A marker as we made it. No ``id``: at ``since`` (seconds since 1970) somebody began to. ``gone``: a person
    deleted or changed it; it isn't ours any more."""

    tag: str
    from_s: float
    to_s: float
    title: str
    id: str = ""
    since: float = 0.0
    gone: bool = False

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    def is_like(self, marker: Mapping[str, Any]) -> bool:
        there = (str(marker["primary_tag"]["id"]), marker["seconds"], marker["end_seconds"], marker["title"])
        return there == (self.tag, self.from_s, self.to_s, self.title) and not marker["tags"]

    def is_near(self, tag_id: str, at_s: float) -> bool:
        return self.tag == tag_id and abs(self.from_s - at_s) < _NEAR_S


class Scene:
    """One scene's markers. Raises ConfigError for what isn't a scene (any more)."""

    def __init__(self, ask: Ask, store: Store, ref: ItemRef) -> None:
        if ref.kind != "scene":
            raise ConfigError("Only a scene has markers.")
        self._ask, self._store, self._ref = ask, store, ref
        texts = _texts(store, ref)  # Before Stash is asked: another process may be making one.
        scene = ask(_MARKERS, {"id": ref.id})["findScene"]
        if scene is None:
            raise ConfigError(f"There is no scene {ref.id} any more.")
        self._tags = {tag["name"].casefold(): str(tag["id"]) for tag in scene["tags"]}
        self._there = {str(marker["id"]): marker for marker in scene["scene_markers"]}
        self._entries: dict[str, _Entry] = {}
        for name, text in texts.items():
            known = _Entry(**json.loads(text))
            now = self._now(known)
            if now != known:
                self._store.swap(name, text, now.as_text() if now else "")
            if now is not None:
                self._entries[name] = now

    def _now(self, entry: _Entry) -> _Entry | None:
        """What became of it; None if it was never made."""
        if entry.gone:
            return entry
        if entry.id:
            marker = self._there.get(entry.id)
            return entry if marker is not None and entry.is_like(marker) else replace(entry, gone=True)
        made = next((marker_id for marker_id, marker in self._there.items() if entry.is_like(marker)), "")
        if made:
            return replace(entry, id=made)
        return entry if time.time() - entry.since < _AT_WORK_S else None  # Older: it was killed.

    def make(self, spans: Iterable[Span], again: bool = False) -> int:
        """A marker for each span whose tag the scene has, unless that tag has one at that place, or had one of ours
        that a person deleted or changed (``again``: those too); how many were made. Raises LibraryError."""
        made = 0
        for span in spans:
            tag_id = self._tags.get(span.tag.casefold())
            if tag_id is None or self._has_one(tag_id, span.from_s):
                continue
            near = {name: entry for name, entry in self._entries.items() if entry.is_near(tag_id, span.from_s)}
            if all(again and entry.gone for entry in near.values()):
                self._forget(near)
                made += self._make(_Entry(tag_id, span.from_s, span.to_s, span.title, since=time.time()))
        return made

    def _has_one(self, tag_id: str, at_s: float) -> bool:
        there = ((str(m["primary_tag"]["id"]), m["seconds"]) for m in self._there.values())
        return any(tag == tag_id and abs(seconds - at_s) < _NEAR_S for tag, seconds in there)

    def _make(self, entry: _Entry) -> int:
        name = f"{_prefix(self._ref)}{entry.tag} {entry.from_s}"
        if not self._store.swap(name, "", entry.as_text()):
            return 0  # Another process makes it.
        given = {"scene_id": self._ref.id, "title": entry.title, "seconds": entry.from_s, "end_seconds": entry.to_s}
        try:
            made = self._ask(_CREATE, {"input": {**given, "primary_tag_id": entry.tag, "tag_ids": []}})
        except LibraryRefusedError:
            self._store.remember(name, "")
            raise
        self._entries[name] = replace(entry, id=str(made["sceneMarkerCreate"]["id"]))
        self._store.remember(name, self._entries[name].as_text())
        return 1

    def take_back(self, tag_ids: Iterable[str] | None = None) -> int:
        """Ours (of these tags) that nobody changed since; how many were taken back. Raises LibraryError."""
        wanted = None if tag_ids is None else set(tag_ids)
        ours = {name: e for name, e in self._entries.items() if e.id and not e.gone}
        chosen = {name: entry.id for name, entry in ours.items() if wanted is None or entry.tag in wanted}
        if chosen:
            self._ask(_DESTROY, {"ids": list(chosen.values())})
            self._forget(chosen)
        return len(chosen)

    def without_tag(self) -> int:
        """Take ours back whose tag the scene hasn't any more; how many."""
        return self.take_back({entry.tag for entry in self._entries.values()} - set(self._tags.values()))

    def tag_id(self, name: str) -> str:
        """ "" when the scene hasn't that tag."""
        return self._tags.get(name.casefold(), "")

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._store.remember(name, "")
            del self._entries[name]


def _prefix(ref: ItemRef) -> str:
    return f"{_FACT}{ref.id} "


def _texts(store: Store, ref: ItemRef) -> dict[str, str]:
    return store.facts(_prefix(ref))


def _is_ours(text: str) -> bool:
    return not json.loads(text)["gone"]


def count(store: Store, ref: ItemRef) -> int:
    """How many of ours are known for this scene."""
    return sum(map(_is_ours, _texts(store, ref).values()))


def marked(store: Store) -> Counter[ItemRef]:
    """The scenes that have markers of ours, and how many."""
    names = (name for name, text in store.facts(_FACT).items() if _is_ours(text))
    return Counter(ItemRef("scene", name.split(" ")[1]) for name in names)


def follow(rule: Rule, store: Store, refs: Iterable[ItemRef], warn: Callable[[str], None]) -> int:
    """Markers for these scenes, as the rule has it; how many were made. ``warn`` hears what Stash refused."""
    made = 0
    for ref, decisions in store.decisions([ref for ref in refs if ref.kind == "scene"]).items():
        with suppress(ConfigError):  # A scene that went meanwhile.
            if spans := rule.spans(decisions):
                try:
                    made += Scene(rule.ask, store, ref).make(spans)
                except LibraryRefusedError as error:
                    warn(f"Scene {ref.id} didn't get all markers: {error}")
    return made


def note(rule: Rule | None, store: Store, refs: Iterable[ItemRef]) -> None:
    """These scenes are about to be settled: what a kill leaves without markers is followed later."""
    ids = {ref.id for ref in refs if ref.kind == "scene"}
    if ids and rule is not None:
        store.remember(_TO_MARK, " ".join(sorted(ids.union(store.fact(_TO_MARK).split()))))


def follow_noted(rule: Rule | None, store: Store, warn: Callable[[str], None]) -> int:
    """Markers for the scenes that were noted; how many were made. Replaying it does no harm."""
    if rule is None:
        return 0
    noted = store.fact(_TO_MARK).split()
    made = follow(rule, store, [ItemRef("scene", scene_id) for scene_id in noted], warn)
    if noted:
        store.remember(_TO_MARK, "")
    return made


def tidy(ask: Ask, store: Store, refs: Iterable[ItemRef]) -> int:
    """Of these scenes, markers of ours whose tag was taken from its scene go, too; how many."""
    gone = 0
    for scene in _scenes(ask, store, [ref for ref in refs if ref.kind == "scene" and count(store, ref)]):
        with suppress(LibraryRefusedError):  # A person deleted one this moment.
            gone += scene.without_tag()
    return gone


def let_go(ask: Ask, store: Store, tag_ids: Iterable[str]) -> int:
    """Of these tags, those that no scene has any more hold no markers of ours; how many went. Stash deletes no tag that
    has markers."""
    held: dict[str, set[ItemRef]] = {tag_id: set() for tag_id in tag_ids}
    for name in store.facts(_FACT) if held else ():
        _, scene_id, tag_id, _ = name.split(" ")
        if tag_id in held:
            held[tag_id].add(ItemRef("scene", scene_id))
    left: set[ItemRef] = set()
    for tag_id, refs in held.items():
        if refs and (tag := ask(_ON_SCENES, {"id": tag_id})["findTag"]) and not tag["scene_count"]:
            left |= refs
    return tidy(ask, store, left)


def take_all_back(ask: Ask, store: Store, tags: Sequence[str] = ()) -> int:
    """Ours in all scenes, of these tags or of all; how many were taken back."""
    scenes = _scenes(ask, store, marked(store))
    return sum(scene.take_back([scene.tag_id(name) for name in tags] if tags else None) for scene in scenes)


def _scenes(ask: Ask, store: Store, refs: Iterable[ItemRef]) -> Iterator[Scene]:
    """Of one that is gone, its markers went with it."""
    for ref in refs:
        try:
            scene = Scene(ask, store, ref)
        except ConfigError:
            for name in _texts(store, ref):
                store.remember(name, "")
            continue
        yield scene
