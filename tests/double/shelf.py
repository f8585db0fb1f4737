"""What a test puts into the double's library, changes there and looks up."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tagger.types import ITEM_KINDS, ItemKind, ItemRef
from tests.double.data import Data, StoredFile, StoredItem, StoredPerformer, StoredTag, new_file


class Shelf:
    """The library's side of :class:`tests.double.StashDouble`."""

    def __init__(self, utc_offset_h: float) -> None:
        self.lock = threading.RLock()
        self.data = Data(utc_offset_h)

    def add_tag(self, name: str, aliases: Iterable[str] = (), parents: Iterable[str] = (), **uses: int) -> str:
        """Its id. ``uses``: ``markers``, ``performers``, ``studios``, ``groups``."""
        with self.lock:
            tag = self.make_tag(name=name, aliases=list(aliases), parent_ids=[self.tag_id(p) for p in parents])
            for use, count in uses.items():
                setattr(tag, use, count)
            return tag.id

    def tag_id(self, name: str) -> str:
        """The id of the tag with this name; made if there is none."""
        with self.lock:
            found = next((tag.id for tag in self.data.tags.values() if tag.name == name), None)
            return found or self.make_tag(name=name).id

    def add_scene(self, path: Path | str, tags: Iterable[str] = (), duration_s: float = 0.0, **facts: Any) -> ItemRef:
        """``facts``: title, date, organized; width, height (of the file)."""
        size = {name: facts.pop(name, 0) for name in ("width", "height")}
        file = new_file(self.data, path, "VideoFile", duration=duration_s, **size)
        return self._add("scene", tags, files=[file], **facts)

    def add_image(
        self,
        path: Path | str,
        tags: Iterable[str] = (),
        gallery: ItemRef | None = None,
        zip_path: str = "",
        clip: bool = False,
        duration_s: float = 0.0,
        **facts: Any,
    ) -> ItemRef:
        """Like :meth:`add_scene`. ``zip_path``: the archive that ``path`` (the archive's path, "/", the entry) is in.
        ``clip``: the file is a video."""
        size = {name: facts.pop(name, 0) for name in ("width", "height")}
        typename = "VideoFile" if clip else "ImageFile"
        file = new_file(self.data, path, typename, zip_path=zip_path, duration=duration_s, **size)
        galleries = {gallery.id} if gallery else set()
        return self._add("image", tags, files=[file], gallery_ids=galleries, **facts)

    def add_gallery(
        self,
        folder: str = "",
        tags: Iterable[str] = (),
        zip_path: str = "",
        images: Iterable[ItemRef] = (),
        **facts: Any,
    ) -> ItemRef:
        """Of a folder, of an archive, or (neither) made by hand; ``images`` join it."""
        files = [new_file(self.data, zip_path, "GalleryFile")] if zip_path else []
        ref = self._add("gallery", tags, files=files, folder=folder, **facts)
        for image in images:
            self.join(ref, image)
        return ref

    def join(self, gallery: ItemRef, image: ItemRef) -> None:
        with self.lock:
            self.item(image).gallery_ids.add(gallery.id)
            self.item(gallery).updated_at = self.data.now()

    def item(self, ref: ItemRef) -> StoredItem:
        return self.data.items[ref.kind][ref.id]

    def remove(self, ref: ItemRef) -> None:
        """Gone without a hook, as by a merge."""
        with self.lock:
            del self.data.items[ref.kind][ref.id]

    def replace_file(self, ref: ItemRef, path: Path | str | None = None) -> None:
        """The item's file got other bytes (found by a scan): its fingerprint and time change, the item's doesn't."""
        with self.lock:
            item = self.item(ref)
            old = item.files[0]
            new = new_file(self.data, path or old.path, old.typename, old.zip_path, duration=old.duration)
            if path is None:
                new.fingerprints = {kind: secrets.token_hex(8) for kind in new.fingerprints}
            item.files[0] = replace(new, id=old.id, created_at=old.created_at)

    def set_tags(self, ref: ItemRef, names: Iterable[str]) -> None:
        """As a person would on the page, but without the hook."""
        with self.lock:
            self.item(ref).tag_ids = {self.tag_id(name) for name in names}
            self.item(ref).updated_at = self.data.now()

    def tags_by_item(self) -> dict[ItemRef, frozenset[str]]:
        """The names of every item's tags."""
        with self.lock:
            return {
                ItemRef(kind, item.id): frozenset(self.data.tags[i].name for i in item.tag_ids)
                for kind in ITEM_KINDS
                for item in self.data.of(kind)
            }

    def add_performer(self, name: str, picture: Path | None = None, aliases: Iterable[str] = ()) -> str:
        """Their id."""
        with self.lock:
            performer = self.make_performer(name)
            performer.picture, performer.aliases = picture, list(aliases)
            return performer.id

    def set_performers(self, ref: ItemRef, names: Iterable[str]) -> None:
        """As a person would on the page, but without the hook."""
        with self.lock:
            known = {performer.name: performer.id for performer in self.data.performers.values()}
            self.item(ref).performer_ids = {known[name] for name in names}

    def remove_performer(self, name: str) -> None:
        """As a person would."""
        with self.lock:
            gone = {performer.id for performer in self.data.performers.values() if performer.name == name}
            for performer_id in gone:
                del self.data.performers[performer_id]
            for items in self.data.items.values():
                for item in items.values():
                    item.performer_ids -= gone

    def fill_in(self, performer_id: str) -> None:
        """As a person would, a moment after they were made: their height, say."""
        with self.lock:
            self.data.performers[performer_id].updated_at += timedelta(seconds=1)

    def performers_by_item(self) -> dict[ItemRef, frozenset[str]]:
        """The names of every item's performers."""
        with self.lock:
            return {
                ItemRef(kind, item.id): frozenset(self.data.performers[i].name for i in item.performer_ids)
                for kind in ITEM_KINDS
                for item in self.data.of(kind)
            }

    def portrait(self, performer_id: str) -> bytes | None:
        """What is served as a performer's picture."""
        with self.lock:
            performer = self.data.performers.get(performer_id)
            return performer.picture.read_bytes() if performer and performer.picture else None

    def make_performer(self, name: str) -> StoredPerformer:
        if any(performer.name.casefold() == name.casefold() for performer in self.data.performers.values()):
            raise ValueError(f"performer with name '{name}' already exists")
        now = self.data.now()
        performer = StoredPerformer(self.data.next_id("performer"), name, now, now)
        self.data.performers[performer.id] = performer
        return performer

    def tag_names(self) -> set[str]:
        with self.lock:
            return {tag.name for tag in self.data.tags.values()}

    @property
    def backups(self) -> int:
        return self.data.backups

    @property
    def settings(self) -> dict[str, Any]:
        """The plugin's settings, to be read and changed."""
        return self.data.settings.setdefault("ai_tagger", {})

    # -- for the other parts of the double
    def make_tag(self, name: str, **facts: Any) -> StoredTag:
        taken = {known.casefold(): tag.name for tag in self.data.tags.values() for known in (tag.name, *tag.aliases)}
        for wanted in (name, *(facts.get("aliases") or ())):
            if wanted.casefold() in taken:
                raise ValueError(f"tag with name '{wanted}' already exists")
        for parent in facts.get("parent_ids") or ():
            if parent not in self.data.tags:
                raise ValueError(f"tag with id {parent} not found")
        known_facts = {k: v for k, v in facts.items() if k in StoredTag.__dataclass_fields__ and v is not None}
        tag = StoredTag(self.data.next_id("tag"), name, **known_facts)
        self.data.tags[tag.id] = tag
        return tag

    def remove_tag(self, tag_id: str) -> None:
        self.data.tags.pop(tag_id, None)
        for items in self.data.items.values():
            for item in items.values():
                item.tag_ids.discard(tag_id)

    def media(self, kind: ItemKind, item_id: str, what: str) -> StoredFile | bytes | None:
        """What is served: a file, bytes, or None (404)."""
        with self.lock:
            item = self.data.items[kind].get(item_id)
            if item is None or what == "screenshot":
                return None
            if what.startswith("vtt/"):
                return (item.sprite if what == "vtt/sprite" else item.vtt) or None
            return item.files[0] if item.files and (what == "stream") == (kind == "scene") else None

    def _add(self, kind: ItemKind, tags: Iterable[str], **facts: Any) -> ItemRef:
        with self.lock:
            now = self.data.now()
            item = StoredItem(kind, self.data.next_id(kind), facts.pop("title", ""), now, now, **facts)
            item.tag_ids = {self.tag_id(name) for name in tags}
            self.data.items[kind][item.id] = item
            return ItemRef(kind, item.id)
