"""A Stash server as our library of items and tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

from tagger.errors import ConfigError, LibraryDownError, LibraryRefusedError
from tagger.light.connection import Connection
from tagger.light.library import library_key
from tagger.ports import Written
from tagger.stash import queries
from tagger.stash import scope as scopes
from tagger.stash.items import changed_at, read_item, read_time
from tagger.stash.server import StashServer
from tagger.types import ItemKind, ItemRef, MediaItem, Performer, Scope, Tag

_Row: TypeAlias = dict[str, Any]
_Id = TypeVar("_Id", str, int)
_What: TypeAlias = Literal["tags", "performers"]

_FIELD: dict[_What, str] = {"tags": "tag_ids", "performers": "performer_ids"}

# Each scene's hook gets the whole input, all ids with it: long lists make that quadratic.
_MOST_WRITTEN: dict[ItemKind, int] = {"scene": 50, "image": 500, "gallery": 50}
_MOST_READ = 1000
_LEAST_READ = 50  # When few of those in reach are wanted, a small limit shouldn't mean many requests.
_NOT_FOUND = re.compile(r"\b(scene|image|gallery) with id \d+ not found")  # FindMany in Stash's pkg/sqlite/*.go
_WRITE_TIMEOUT_S = 300.0  # Every item's hooks run, one process each, before Stash answers.


class StashLibrary:
    """Implements :class:`tagger.ports.Library`. Raises LibraryError; ids are numbers and compare as such."""

    def __init__(self, server: StashServer) -> None:
        self._server = server

    @property
    def key(self) -> str:
        """From where the server keeps its database and configuration, which no address that it is reached by changes.

        Two servers in containers can say the same; they would have to share our data folder too, and then the
        fingerprints still tell their items apart.
        """
        facts = self._server.facts()
        return library_key(facts.database_path, facts.config_path)

    @property
    def name(self) -> str:
        return f"Stash at {self._server.connection.base_url}"

    @property
    def connection(self) -> Connection:
        """What it takes to fetch media from the items' addresses."""
        return self._server.connection

    # -- reading
    def count(self, kind: ItemKind, scope: Scope) -> int:
        """See :class:`~tagger.ports.Library`. Limits of duration count in whole seconds."""
        found = self._server.call(queries.COUNT[kind], _where(self._filters(kind, scope), 1))["found"]
        return int(found["count"])

    def page(self, kind: ItemKind, scope: Scope, after_id: str, limit: int) -> list[MediaItem]:
        filters = self._filters(kind, scope)
        return self._pages(kind, after_id, limit, filters, lambda item, _: scopes.fits(item, scope))

    def changed(self, kind: ItemKind, since_at: str, after_id: str, limit: int) -> list[MediaItem]:
        # Stash keeps whole seconds.
        since = read_time(since_at).replace(microsecond=0)
        filters = scopes.changed_since(kind, since)
        return self._pages(kind, after_id, limit, filters, lambda _, row: changed_at(kind, row) >= since)

    def spread(self, kind: ItemKind, scope: Scope, n: int) -> list[MediaItem]:
        filters = self._filters(kind, scope)
        count = self.count(kind, scope)
        if count <= n:
            return self._pages(kind, "", n, filters, lambda item, _: scopes.fits(item, scope))
        base_url = self._server.connection.base_url
        found: dict[str, MediaItem] = {}
        for place in range(n):
            variables = _where(filters, 1, page=1 + place * count // n)
            for row in self._server.call(queries.PAGE[kind], variables)["found"]["items"]:
                found[row["id"]] = read_item(kind, row, base_url)
        return [item for item in found.values() if scopes.fits(item, scope)]

    def get(self, refs: Sequence[ItemRef]) -> list[MediaItem]:
        base_url = self._server.connection.base_url
        items: list[MediaItem] = []
        for kind in queries.BY_ID:
            ids = [ref.id for ref in refs if ref.kind == kind]
            items += [read_item(kind, row, base_url) for row in self._rows(queries.BY_ID[kind], ids)]
        return items

    def which(self, refs: Sequence[ItemRef], scope: Scope) -> list[MediaItem]:
        base_url = self._server.connection.base_url
        items: list[MediaItem] = []
        for kind in scope.kinds:
            ids = sorted({int(ref.id) for ref in refs if ref.kind == kind})
            filters = self._filters(kind, scope) if ids else []
            for batch in _batches(ids, _MOST_READ):
                for among in scopes.among(batch):
                    # Stash doesn't consult filters when it is asked for a list of ids.
                    found = self._server.call(queries.PAGE[kind], _where([*filters, among], len(batch)))["found"]
                    items += [read_item(kind, row, base_url) for row in found["items"]]
        return [item for item in items if scopes.fits(item, scope)]

    def ids(self, kind: ItemKind, after_id: str, limit: int) -> list[str]:
        return self._ids(kind, [], after_id, limit)

    def members(self, gallery_id: str) -> list[str]:
        ids: list[str] = []
        in_gallery = {"galleries": {"value": [gallery_id], "modifier": "INCLUDES"}}
        while page := self._ids("image", [in_gallery], ids[-1] if ids else "", _MOST_READ):
            ids += page
            if len(page) < _MOST_READ:
                break
        return ids

    def _ids(self, kind: ItemKind, filters: list[scopes.Where], after_id: str, limit: int) -> list[str]:
        variables = _where([*filters, *scopes.after(after_id)], limit)
        return [row["id"] for row in self._server.call(queries.IDS[kind], variables)["found"]["items"]]

    # -- tags
    def tags(self) -> list[Tag]:
        """In one answer, so that none is skipped or repeated while tags come and go."""
        return [_tag(row) for row in self._server.call(queries.TAGS)["findTags"]["tags"]]

    def create_tag(self, name: str, parent_id: str = "", description: str = "") -> Tag:
        tag = {"name": name, "description": description, "ignore_auto_tag": True}
        if parent_id:
            tag["parent_ids"] = [parent_id]
        try:
            return _tag(self._server.call(queries.CREATE_TAG, {"input": tag})["tagCreate"])
        except LibraryDownError:
            # A person may have made one of that name meanwhile.
            made = next((tag for tag in self.tags() if (tag.name, tag.description) == (name, description)), None)
            if made is None:
                raise
            return made

    def delete_unused_tag(self, tag_id: str) -> bool:
        uses = self._server.call(queries.TAG_USE, {"id": tag_id})["findTag"]
        if uses is None or any(uses.values()):
            return False
        try:
            self._server.call(queries.DESTROY_TAG, {"id": tag_id})
        except LibraryRefusedError:
            return False  # Used since we asked, or gone.
        return True

    # -- performers
    def performers(self) -> list[Performer]:
        return [self._performer(row) for row in self._server.call(queries.PERFORMERS)["findPerformers"]["performers"]]

    def create_performer(self, name: str) -> Performer:
        wanted = {"name": name, "ignore_auto_tag": True}
        try:
            return self._performer(self._server.call(queries.CREATE_PERFORMER, {"input": wanted})["performerCreate"])
        except LibraryDownError:
            made = next((performer for performer in self.performers() if performer.name == name), None)
            if made is None:
                raise
            return made

    def delete_unused_performer(self, performer_id: str) -> bool:
        row = self._server.call(queries.PERFORMER_USE, {"id": performer_id})["findPerformer"]
        # Being put on items doesn't move that time, being edited does; and Stash deletes even those that are used.
        if row is None or row.pop("created_at") != row.pop("updated_at") or any(row.values()):
            return False
        try:
            self._server.call(queries.DESTROY_PERFORMER, {"id": performer_id})
        except LibraryRefusedError:
            return False  # Gone since we asked.
        return True

    def _performer(self, row: _Row) -> Performer:
        # The address is made from our own connection; its time tells one picture from the next.
        query = (row["image_path"] or "").partition("?")[2]
        has_picture = bool(row["image_path"]) and "default=true" not in query
        stamp = next((part for part in query.split("&") if part.startswith("t=")), "")
        url = f"{self._server.connection.base_url}/performer/{row['id']}/image" + (f"?{stamp}" if stamp else "")
        picture = url if has_picture else ""
        return Performer(row["id"], row["name"], tuple(row["alias_list"]), picture, row["ignore_auto_tag"])

    # -- writing
    def add_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        return self._write(kind, ids, "tags", tag_ids, "ADD")

    def remove_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        return self._write(kind, ids, "tags", tag_ids, "REMOVE")

    def add_performers(self, kind: ItemKind, ids: Sequence[str], performer_ids: Sequence[str]) -> Written:
        return self._write(kind, ids, "performers", performer_ids, "ADD")

    def remove_performers(self, kind: ItemKind, ids: Sequence[str], performer_ids: Sequence[str]) -> Written:
        return self._write(kind, ids, "performers", performer_ids, "REMOVE")

    def _write(self, kind: ItemKind, ids: Sequence[str], what: _What, tag_ids: Sequence[str], mode: str) -> Written:
        done: list[str] = []
        missing: list[str] = []
        refused: list[tuple[str, str]] = []
        unique = sorted(set(ids), key=int)
        if not tag_ids:
            return Written(tuple(unique))
        for batch in _batches(unique, _MOST_WRITTEN[kind]):
            result = self._write_batch(kind, batch, what, list(tag_ids), mode)
            done += result.done
            missing += result.missing
            refused += result.refused
        return Written(tuple(done), tuple(missing), tuple(refused))

    def _write_batch(self, kind: ItemKind, ids: list[str], what: _What, tag_ids: list[str], mode: str) -> Written:
        try:
            self._update(kind, ids, what, tag_ids, mode)
            return Written(tuple(ids))
        except LibraryRefusedError as error:
            reason = str(error)
        there = {row["id"] for row in self._rows(queries.TAGS_OF[kind], ids)}
        missing = tuple(i for i in ids if i not in there)
        left = [i for i in ids if i in there]
        if not left:
            return Written((), missing)
        if not missing and (len(left) == 1 or not self._exist(what, tag_ids)):
            return Written((), (), tuple((i, reason) for i in left))
        middle = len(left) if missing else len(left) // 2
        parts = [self._write_batch(kind, part, what, tag_ids, mode) for part in (left[:middle], left[middle:]) if part]
        return Written(
            tuple(i for part in parts for i in part.done),
            missing + tuple(i for part in parts for i in part.missing),
            tuple(r for part in parts for r in part.refused),
        )

    def _update(self, kind: ItemKind, ids: list[str], what: _What, tag_ids: list[str], mode: str) -> None:
        """Write once; when no answer comes, see what is written and write what isn't once more."""
        update = {"ids": ids, _FIELD[what]: {"ids": tag_ids, "mode": mode}}
        try:
            self._server.call(queries.UPDATE[kind], {"input": update}, _WRITE_TIMEOUT_S)
        except LibraryDownError:
            left = self._not_written(kind, ids, what, set(tag_ids), mode)
            if left:
                self._server.call(queries.UPDATE[kind], {"input": {**update, "ids": left}}, _WRITE_TIMEOUT_S)

    def _not_written(self, kind: ItemKind, ids: list[str], what: _What, tag_ids: set[str], mode: str) -> list[str]:
        query = queries.TAGS_OF[kind] if what == "tags" else queries.PERFORMERS_OF[kind]
        has = {row["id"]: {one["id"] for one in row[what]} for row in self._rows(query, ids)}
        if mode == "ADD":
            return [i for i in ids if i not in has or not tag_ids <= has[i]]
        return [i for i in ids if i not in has or tag_ids & has[i]]

    def _exist(self, what: _What, tag_ids: list[str]) -> bool:
        if what == "performers":
            return set(tag_ids) <= {performer.id for performer in self.performers()}
        return all(self._server.call(queries.TAG_USE, {"id": tag_id})["findTag"] for tag_id in tag_ids)

    # -- asking
    def _rows(self, query: str, ids: Sequence[str]) -> list[_Row]:
        """The rows of those ids that exist: Stash refuses them all when one doesn't, so the list is halved until the
        missing ones stand alone. Any other refusal says nothing of what exists, and is raised."""
        rows: list[_Row] = []
        for batch in _batches(ids, _MOST_READ):
            try:
                rows += self._server.call(query, {"ids": list(batch)})["found"]["items"]
            except LibraryRefusedError as error:
                if not _NOT_FOUND.search(str(error)):
                    raise
                middle = len(batch) // 2
                if middle:
                    rows += self._rows(query, batch[:middle]) + self._rows(query, batch[middle:])
        return rows

    def _pages(
        self,
        kind: ItemKind,
        after_id: str,
        limit: int,
        filters: list[scopes.Where],
        wanted: Callable[[MediaItem, _Row], bool],
    ) -> list[MediaItem]:
        """Up to ``limit`` wanted items; fewer only at the end."""
        base_url = self._server.connection.base_url
        items: list[MediaItem] = []
        while len(items) < limit:
            asked = min(max(limit, _LEAST_READ), _MOST_READ)
            variables = _where([*scopes.after(after_id), *filters], asked)
            rows = self._server.call(queries.PAGE[kind], variables)["found"]["items"]
            for row in rows:
                item = read_item(kind, row, base_url)
                if wanted(item, row):
                    items.append(item)
            if len(rows) < asked:
                break
            after_id = rows[-1]["id"]
        return items[:limit]

    def _filters(self, kind: ItemKind, scope: Scope) -> list[scopes.Where]:
        by_name: dict[str, str] = {}
        if scope.tags or scope.exclude_tags:
            known = self.tags()
            by_name = {alias.casefold(): tag.id for tag in known for alias in tag.aliases}
            by_name |= {tag.name.casefold(): tag.id for tag in known}

        def tag_id(name: str) -> str:
            if name.casefold() not in by_name:
                raise ConfigError(f'There is no tag "{name}" in Stash: correct the scope, or make the tag.')
            return by_name[name.casefold()]

        return scopes.in_scope(kind, scope, tag_id)


def _where(filters: Sequence[scopes.Where], limit: int, page: int = 1) -> dict[str, Any]:
    shown = {"page": page, "per_page": limit, "sort": "id", "direction": "ASC"}
    return {"where": scopes.all_of(filters), "filter": shown}


def _batches(ids: Sequence[_Id], size: int) -> Iterator[list[_Id]]:
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def _tag(row: _Row) -> Tag:
    parents = tuple(parent["id"] for parent in row["parents"])
    return Tag(row["id"], row["name"], tuple(row["aliases"]), parents, row["description"] or "")
