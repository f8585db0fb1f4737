"""Spans of a scene as Stash's markers with a beginning and an end: at a press, or by a rule for the library.

What we made is remembered in the store and taken back as long as it is as we made it; nobody else's is ever touched. An
entry is kept before its marker is made, so that one that was made right before we were killed is known as ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from tagger.errors import ConfigError
from tagger.ports import Store
from tagger.types import Decision, ItemRef
from tagger.vocabulary import matches

Ask: TypeAlias = Callable[[str, Mapping[str, Any]], dict[str, Any]]
_Entry: TypeAlias = dict[str, Any]

_MARKERS = """query Markers($id: ID!) { findScene(id: $id) {
    tags { id name } scene_markers { id seconds end_seconds primary_tag { id } } } }"""
_CREATE = "mutation Create($input: SceneMarkerCreateInput!) { sceneMarkerCreate(input: $input) { id } }"
_DESTROY = "mutation Destroy($ids: [ID!]!) { sceneMarkersDestroy(ids: $ids) }"
_NEAR_S = 0.5
_FACT = "markers of scene "
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


class Scene:
    """One scene's markers. Raises ConfigError for what isn't a scene (any more)."""

    def __init__(self, ask: Ask, store: Store, ref: ItemRef) -> None:
        if ref.kind != "scene":
            raise ConfigError("Only a scene has markers.")
        scene = ask(_MARKERS, {"id": ref.id})["findScene"]
        if scene is None:
            raise ConfigError(f"There is no scene {ref.id} any more.")
        self._ask, self._store, self._ref = ask, store, ref
        self._tags = {tag["name"].casefold(): str(tag["id"]) for tag in scene["tags"]}
        self._there = {str(marker["id"]): marker for marker in scene["scene_markers"]}
        self._ours = self._known()

    def _known(self) -> list[_Entry]:
        """What we remember, with the ids of those that were made right before we were killed."""
        kept: list[_Entry] = json.loads(self._store.fact(f"{_FACT}{self._ref.id}") or "[]")
        taken = {entry["id"] for entry in kept}
        for entry in kept:
            if not entry["id"]:
                entry["id"] = next((i for i, m in self._there.items() if i not in taken and _same(entry, m)), "")
        return [entry for entry in kept if entry["id"]]

    def make(self, spans: Iterable[Span]) -> int:
        """A marker for each span whose tag the scene has, unless that tag has one at that place; how many were made."""
        before = len(self._ours)
        there = [(str(m["primary_tag"]["id"]), m["seconds"]) for m in self._there.values()]
        for span in spans:
            tag_id = self._tags.get(span.tag.casefold())
            if tag_id is None or any(tag == tag_id and abs(at - span.from_s) < _NEAR_S for tag, at in there):
                continue
            entry: _Entry = {"id": "", "tag": tag_id, "from": span.from_s, "to": span.to_s}
            self._ours.append(entry)
            self._keep()
            given = {"scene_id": self._ref.id, "title": span.title, "seconds": span.from_s, "end_seconds": span.to_s}
            made = self._ask(_CREATE, {"input": {**given, "primary_tag_id": tag_id, "tag_ids": []}})
            entry["id"] = str(made["sceneMarkerCreate"]["id"])
            there.append((tag_id, span.from_s))
        self._keep()
        return len(self._ours) - before

    def take_back(self, tag_ids: Iterable[str] | None = None) -> int:
        """Ours (of these tags) that nobody changed since; how many were taken back."""
        wanted = None if tag_ids is None else set(tag_ids)
        chosen = [entry for entry in self._ours if wanted is None or entry["tag"] in wanted]
        ids = [e["id"] for e in chosen if e["id"] in self._there and _same(e, self._there[e["id"]])]
        if ids:
            self._ask(_DESTROY, {"ids": ids})
        self._ours = [entry for entry in self._ours if entry not in chosen]
        self._keep()
        return len(ids)

    def without_tag(self) -> int:
        """Take ours back whose tag the scene hasn't any more; how many."""
        gone = {entry["tag"] for entry in self._ours} - set(self._tags.values())
        return self.take_back(gone) if gone else 0

    def tag_id(self, name: str) -> str:
        """ "" when the scene hasn't that tag."""
        return self._tags.get(name.casefold(), "")

    def _keep(self) -> None:
        self._store.remember(f"{_FACT}{self._ref.id}", json.dumps(self._ours) if self._ours else "")


def _same(entry: _Entry, marker: Mapping[str, Any]) -> bool:
    there = (str(marker["primary_tag"]["id"]), marker["seconds"], marker["end_seconds"])
    return there == (entry["tag"], entry["from"], entry["to"])


def count(store: Store, ref: ItemRef) -> int:
    """How many of ours are known for this scene."""
    return len(json.loads(store.fact(f"{_FACT}{ref.id}") or "[]"))


def marked(store: Store) -> list[ItemRef]:
    """The scenes that have markers of ours."""
    return [ItemRef("scene", name.removeprefix(_FACT)) for name in store.facts(_FACT)]


def follow(rule: Rule, store: Store, refs: Sequence[ItemRef]) -> int:
    """Markers for these scenes, as the rule has it; how many were made."""
    made = 0
    for ref, decisions in store.decisions([ref for ref in refs if ref.kind == "scene"]).items():
        with suppress(ConfigError):  # A scene that went meanwhile.
            if spans := rule.spans(decisions):
                made += Scene(rule.ask, store, ref).make(spans)
    return made


def tidy(ask: Ask, store: Store) -> int:
    """Markers of ours whose tag was taken from its scene go, too; how many."""
    return sum(scene.without_tag() for scene in _scenes(ask, store))


def take_all_back(ask: Ask, store: Store, tags: Sequence[str] = ()) -> int:
    """Ours in all scenes, of these tags or of all; how many were taken back."""
    return sum(
        scene.take_back([scene.tag_id(name) for name in tags] if tags else None) for scene in _scenes(ask, store)
    )


def _scenes(ask: Ask, store: Store) -> Iterator[Scene]:
    """Those with markers of ours; of one that is gone, its markers went with it."""
    for ref in marked(store):
        try:
            scene = Scene(ask, store, ref)
        except ConfigError:
            store.remember(f"{_FACT}{ref.id}", "")
            continue
        yield scene
