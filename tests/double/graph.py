"""The double's GraphQL: root fields over :class:`tests.double.data.Data`, executed by graphql-core."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import GraphQLSchema, build_client_schema, build_schema, execute_sync, parse, validate

from tagger.types import ItemKind
from tests.double.data import COLLECTIONS, StoredFile, StoredItem, StoredMarker, StoredPerformer, StoredTag

if TYPE_CHECKING:
    from tests.double.server import Session, StashDouble

UPDATE_HOOKS: dict[ItemKind, str] = {
    "scene": "Scene.Update.Post",
    "image": "Image.Update.Post",
    "gallery": "Gallery.Update.Post",
}


def reduced_schema() -> GraphQLSchema:
    return build_schema((Path(__file__).parent / "schema.graphql").read_text("utf-8"))


def real_schema() -> GraphQLSchema | None:
    """A real server's, when ``AI_TAGGER_TEST_SCHEMA`` names its introspection."""
    path = os.environ.get("AI_TAGGER_TEST_SCHEMA")
    if not path:
        return None
    content = json.loads(Path(path).read_text("utf-8"))
    return build_client_schema(content.get("data", content))


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    return real_schema() or reduced_schema()


@lru_cache(maxsize=200)
def _document(text: str) -> tuple[Any, tuple[str, ...]]:
    document = parse(text)
    return document, tuple(error.message for error in validate(schema(), document))


def answer(double: StashDouble, session: Session, text: str, variables: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """HTTP status and body."""
    document, invalid = _document(text)
    if invalid:
        return 400, {"errors": [{"message": message} for message in invalid], "data": None}
    result = execute_sync(schema(), document, Root(double, session), variable_values=variables)
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [{"message": error.message, "path": error.path} for error in result.errors]
    return 200, body


class Root:
    """Stash's root fields; graphql-core calls them by name."""

    def __init__(self, double: StashDouble, session: Session) -> None:
        self._double = double
        self._data = double.data
        self._session = session

    # -- queries
    def findScenes(self, info: Any, scene_filter: Any = None, ids: Any = None, filter: Any = None) -> Any:  # noqa: N802
        return self._find("scene", scene_filter, ids, filter)

    def findImages(self, info: Any, image_filter: Any = None, ids: Any = None, filter: Any = None) -> Any:  # noqa: N802
        return self._find("image", image_filter, ids, filter)

    def findGalleries(self, info: Any, gallery_filter: Any = None, ids: Any = None, filter: Any = None) -> Any:  # noqa: N802
        return self._find("gallery", gallery_filter, ids, filter)

    def _find(self, kind: ItemKind, where: Any, ids: Any, filter: Any) -> Any:
        with self._double.lock:
            if ids:
                found = [self._existing(kind, i) for i in ids]
            else:
                found = [item for item in self._data.of(kind) if self._data.matches(item, where)]
            shown = _paged(found, filter or {}) if not ids else found
            return {"count": len(found), COLLECTIONS[kind]: [self._item(item) for item in shown]}

    def _existing(self, kind: ItemKind, item_id: str) -> StoredItem:
        if item_id not in self._data.items[kind]:
            raise ValueError(f"{kind} with id {item_id} not found")
        return self._data.items[kind][item_id]

    def findScene(self, info: Any, id: str) -> Any:  # noqa: N802
        return self._one("scene", id)

    def findImage(self, info: Any, id: str) -> Any:  # noqa: N802
        return self._one("image", id)

    def findGallery(self, info: Any, id: str) -> Any:  # noqa: N802
        return self._one("gallery", id)

    def _one(self, kind: ItemKind, item_id: str) -> Any:
        with self._double.lock:
            item = self._data.items[kind].get(item_id)
            return self._item(item) if item else None

    def findTag(self, info: Any, id: str) -> Any:  # noqa: N802
        with self._double.lock:
            tag = self._data.tags.get(id)
            return self._tag(tag) if tag else None

    def findTags(self, info: Any, filter: Any = None, **others: Any) -> Any:  # noqa: N802
        if any(others.values()):
            raise KeyError(f"the double knows no {others}")
        with self._double.lock:
            tags = sorted(self._data.tags.values(), key=lambda tag: tag.name)
            return {"count": len(tags), "tags": [self._tag(tag) for tag in _paged(tags, filter or {})]}

    def findPerformers(self, info: Any, filter: Any = None, **others: Any) -> Any:  # noqa: N802
        if any(others.values()):
            raise KeyError(f"the double knows no {others}")
        with self._double.lock:
            found = sorted(self._data.performers.values(), key=lambda performer: performer.name)
            return {"count": len(found), "performers": [self._performer(p) for p in _paged(found, filter or {})]}

    def findPerformer(self, info: Any, id: str) -> Any:  # noqa: N802
        with self._double.lock:
            found = self._data.performers.get(id)
            return self._performer(found) if found else None

    def performerDestroy(self, info: Any, input: Any) -> bool:  # noqa: N802
        with self._double.lock:
            self._double.remove_performer(self._data.performers[input["id"]].name)
        return True

    def performerCreate(self, info: Any, input: Any) -> Any:  # noqa: N802
        with self._double.lock:
            made = self._double.make_performer(input["name"])
            made.ignore_auto_tag = input.get("ignore_auto_tag", False)
            return self._performer(made)

    def _performer(self, performer: StoredPerformer) -> dict[str, Any]:
        default = "" if performer.picture else "&default=true"
        path = f"http://elsewhere:1/performer/{performer.id}/image?t=1{default}"
        times = {"created_at": performer.created_at.isoformat(), "updated_at": performer.updated_at.isoformat()}
        counts = {
            f"{kind}_count": sum(performer.id in item.performer_ids for item in self._data.of(kind))
            for kind in ("scene", "image", "gallery")
        }
        said = {"name": performer.name, "alias_list": performer.aliases, "image_path": path}
        return times | counts | said | {"id": performer.id, "ignore_auto_tag": performer.ignore_auto_tag}

    @property
    def configuration(self) -> Any:
        def plugins(info: Any, include: list[str] | None = None) -> dict[str, Any]:
            return {k: v for k, v in self._data.settings.items() if include is None or k in include}

        root = self._double.data_dir
        general = {
            "apiKey": self._double.api_key,
            "databasePath": str(root / "stash-go.sqlite"),
            "configFilePath": str(root / "config.yml"),
            "backupDirectoryPath": "",
        }
        return {"general": general, "plugins": plugins}

    @property
    def jobQueue(self) -> Any:  # noqa: N802
        return [job.as_answer() for job in self._double.jobs.queued()]

    def findJob(self, info: Any, input: Any) -> Any:  # noqa: N802
        job = self._double.jobs.find(input["id"])
        return job.as_answer() if job else None

    @property
    def pluginTasks(self) -> Any:  # noqa: N802
        plugin = self._double.plugin
        return [{**task, "plugin": plugin.as_answer()} for task in plugin.tasks] if plugin else []

    @property
    def plugins(self) -> Any:
        return [self._double.plugin.as_answer()] if self._double.plugin else []

    version: Any = {"version": "v0.30.1-double", "hash": "0", "build_time": ""}  # noqa: RUF012

    # -- mutations
    def bulkSceneUpdate(self, info: Any, input: Any) -> Any:  # noqa: N802
        return self._bulk("scene", input)

    def bulkImageUpdate(self, info: Any, input: Any) -> Any:  # noqa: N802
        return self._bulk("image", input)

    def bulkGalleryUpdate(self, info: Any, input: Any) -> Any:  # noqa: N802
        return self._bulk("gallery", input)

    def sceneUpdate(self, info: Any, input: Any) -> Any:  # noqa: N802
        given = dict(input)
        bulk = {"ids": [given.pop("id")], **given}
        if "tag_ids" in given:
            bulk["tag_ids"] = {"ids": given["tag_ids"], "mode": "SET"}
        fields = schema().type_map["SceneUpdateInput"].fields  # type: ignore[attr-defined]
        whole = {name: input.get(name) for name in fields}  # Go shows every field of this one, most of them null.
        return self._bulk("scene", bulk, whole, list(input))[0]

    def _bulk(self, kind: ItemKind, given: Any, shown: Any = None, fields: list[str] | None = None) -> list[Any]:
        with self._double.lock:
            if kind != "image" and any(i not in self._data.items[kind] for i in given["ids"]):
                raise ValueError("sql: no rows in result set")
            items = [self._existing(kind, i) for i in given["ids"]]
            change = given.get("tag_ids")
            for tag_id in change["ids"] if change else ():
                if tag_id not in self._data.tags:
                    raise ValueError("FOREIGN KEY constraint failed")
            performers = given.get("performer_ids")
            for performer_id in performers["ids"] if performers else ():
                if performer_id not in self._data.performers:
                    raise ValueError("FOREIGN KEY constraint failed")
            for item in items:
                if performers:
                    item.performer_ids = _changed(item.performer_ids, set(performers["ids"]), performers["mode"])
                if change:
                    item.tag_ids = _changed(item.tag_ids, set(change["ids"]), change["mode"])
                for name in ("title", "organized", "date"):
                    if name in given:
                        setattr(item, name, given[name])
                item.updated_at = self._data.now()
        for item in items:
            trigger = UPDATE_HOOKS[kind]
            self._double.run_hooks(
                self._session, trigger, item.id, shown or _without_empty(given), fields or list(given)
            )
        with self._double.lock:
            return [self._item(item) for item in items]

    def tagCreate(self, info: Any, input: Any) -> Any:  # noqa: N802
        with self._double.lock:
            return self._tag(self._double.make_tag(**input))

    def tagDestroy(self, info: Any, input: Any) -> bool:  # noqa: N802
        with self._double.lock:
            tag = self._data.tags.get(input["id"])
            if tag is None:
                raise ValueError(f"id {input['id']} does not exist in tags")
            if tag.markers or any(marker.tag_id == tag.id for marker in self._data.markers.values()):
                raise ValueError("cannot delete tag used as a primary tag in scene markers")
            self._double.remove_tag(input["id"])
        return True

    def sceneMarkerCreate(self, info: Any, input: Any) -> Any:  # noqa: N802
        given = dict(input)
        with self._double.lock:
            if given["scene_id"] not in self._data.items["scene"] or given["primary_tag_id"] not in self._data.tags:
                raise ValueError("FOREIGN KEY constraint failed")
            marker_id = self._data.next_id("marker")
            place = (given["title"], given["seconds"], given.get("end_seconds"), given["primary_tag_id"])
            self._data.markers[marker_id] = StoredMarker(marker_id, given["scene_id"], *place)
            return self._marker(self._data.markers[marker_id])

    def sceneMarkersDestroy(self, info: Any, ids: Any) -> bool:  # noqa: N802
        with self._double.lock:
            for marker_id in ids:
                if self._data.markers.pop(marker_id, None) is None:
                    raise ValueError(f"scene marker with id {marker_id} not found")
        return True

    def _marker(self, marker: StoredMarker) -> dict[str, Any]:
        tag = self._tag(self._data.tags[marker.tag_id])
        times = {"seconds": marker.seconds, "end_seconds": marker.end_seconds}
        return {"id": marker.id, "title": marker.title, "primary_tag": tag, "tags": [], **times}

    def configurePlugin(self, info: Any, plugin_id: str, input: Any) -> Any:  # noqa: N802
        with self._double.lock:
            self._data.settings[plugin_id] = dict(input)
            return self._data.settings[plugin_id]

    def runPluginTask(  # noqa: N802
        self,
        info: Any,
        plugin_id: str,
        task_name: str | None = None,
        description: str | None = None,
        args_map: Any = None,
        **_: Any,
    ) -> str:
        return self._double.queue_task(self._session, plugin_id, task_name, description, dict(args_map or {}))

    def runPluginOperation(self, info: Any, plugin_id: str, args: Any = None) -> Any:  # noqa: N802
        return self._double.run_operation(self._session, plugin_id, dict(args or {}))

    def stopJob(self, info: Any, job_id: str) -> bool:  # noqa: N802
        self._double.jobs.stop(job_id)
        return True

    def stopAllJobs(self, info: Any) -> bool:  # noqa: N802
        for job in self._double.jobs.queued():
            self._double.jobs.stop(job.id)
        return True

    def backupDatabase(self, info: Any, input: Any) -> None:  # noqa: N802
        with self._double.lock:
            self._data.backups += 1
            database = self._double.data_dir / "stash-go.sqlite"
            if database.parent.is_dir():  # Not where the test has it on another machine.
                database.with_name(f"{database.name}.75.20260131_{self._data.backups:06}").touch()

    # -- what is shown
    def _item(self, item: StoredItem) -> dict[str, Any]:
        files = [_file(file) for file in item.files]
        galleries = sorted(item.gallery_ids, key=int)
        return {
            "id": item.id,
            "title": item.title,
            "date": item.date or None,
            "organized": item.organized,
            "created_at": item.created_at.isoformat(),
            "updated_at": item.updated_at.isoformat(),
            "files": files,
            "visual_files": files,
            "folder": {"id": "0", "path": item.folder} if item.folder else None,
            "tags": [self._tag(self._data.tags[i]) for i in sorted(item.tag_ids, key=int)],
            "performers": [self._performer(self._data.performers[i]) for i in sorted(item.performer_ids, key=int)],
            "scene_markers": lambda info: [
                self._marker(marker) for marker in self._data.markers.values() if marker.scene_id == item.id
            ],
            "image_count": lambda info: sum(item.id in i.gallery_ids for i in self._data.items["image"].values()),
            "galleries": lambda info: [self._item(self._data.items["gallery"][i]) for i in galleries],
        }

    def _tag(self, tag: StoredTag) -> dict[str, Any]:
        def count(kind: ItemKind) -> Callable[..., int]:
            return lambda info, **_: sum(tag.id in item.tag_ids for item in self._data.items[kind].values())

        children = [other for other in self._data.tags.values() if tag.id in other.parent_ids]
        return {
            "id": tag.id,
            "name": tag.name,
            "description": tag.description,
            "aliases": tag.aliases,
            "ignore_auto_tag": tag.ignore_auto_tag,
            "parents": lambda info: [self._tag(self._data.tags[i]) for i in tag.parent_ids],
            "children": lambda info: [self._tag(child) for child in children],
            "parent_count": len(tag.parent_ids),
            "child_count": len(children),
            "scene_count": count("scene"),
            "image_count": count("image"),
            "gallery_count": count("gallery"),
            "scene_marker_count": tag.markers,
            "performer_count": tag.performers,
            "studio_count": tag.studios,
            "group_count": tag.groups,
        }


def _file(file: StoredFile) -> dict[str, Any]:
    def time(value: datetime) -> str:
        return value.isoformat()

    return {
        "__typename": file.typename,
        "id": file.id,
        "path": file.path,
        "basename": Path(file.path).name,
        "zip_file": {"id": "0", "path": file.zip_path} if file.zip_path else None,
        "mod_time": time(file.mod_time),
        "created_at": time(file.created_at),
        "updated_at": time(file.updated_at),
        "size": file.size,
        "fingerprints": [{"type": kind, "value": value} for kind, value in file.fingerprints.items()],
        "width": file.width,
        "height": file.height,
        "duration": file.duration,
    }


def _changed(before: set[str], given: set[str], mode: str) -> set[str]:
    return {"ADD": before | given, "REMOVE": before - given, "SET": given}[mode]


def _without_empty(given: Any) -> Any:
    """Go leaves empty lists and nulls out of a bulk update's input."""
    if not isinstance(given, dict):
        return given
    return {name: _without_empty(value) for name, value in given.items() if value is not None and value != []}


def _paged(found: list[Any], filter: dict[str, Any]) -> Iterable[Any]:
    per_page = filter.get("per_page", 25)
    if filter.get("sort", "id") not in ("id", "name"):
        raise KeyError(f"the double doesn't sort by {filter['sort']}")
    if filter.get("direction") == "DESC":
        found = found[::-1]
    if per_page < 0:
        return found
    start = (max(1, filter.get("page") or 1) - 1) * per_page
    return found[start : start + per_page]
