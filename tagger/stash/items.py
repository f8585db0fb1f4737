"""Stash's answers as :class:`~tagger.types.MediaItem`: pure functions."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from tagger.types import ItemKind, ItemRef, MediaItem

# oshash is there for every video, md5 for every picture; a phash also belongs to other files that look alike.
_FINGERPRINTS = ("oshash", "md5")


def read_item(kind: ItemKind, row: dict[str, Any], base_url: str) -> MediaItem:
    """One row of a query of :mod:`tagger.stash.queries`.

    Media addresses are made from our own connection: Stash's answers carry its external host, which may not be
    reachable from here, and the stream's address the API key.
    """
    ref = ItemRef(kind, row["id"])
    common: dict[str, Any] = {
        "ref": ref,
        "title": row["title"] or "",
        "date": row["date"] or "",
        "organized": row["organized"],
        "updated_at": row.get("updated_at") or "",
        "tag_ids": frozenset(tag["id"] for tag in row["tags"]),
        "performer_ids": frozenset(performer["id"] for performer in row["performers"]),
    }
    files = row["visual_files"] if kind == "image" else row["files"]
    file = files[0] if files else None  # The primary one comes first.
    if kind == "gallery":
        path = file["path"] if file else (row["folder"] or {}).get("path", "")
        return MediaItem(
            media="image", fingerprint=_of_gallery(row, file), path=path, members=row["image_count"], **common
        )
    if kind == "image":
        common["gallery_ids"] = frozenset(gallery["id"] for gallery in row["galleries"])
    if file is None:
        return MediaItem(media="video" if kind == "scene" else "image", fingerprint="", **common)
    here = f"{base_url}/{kind}/{ref.id}"
    urls: dict[str, Any]
    if kind == "scene":
        urls = {
            "url": f"{here}/stream",
            "thumbnail_url": f"{here}/screenshot",
            "sprite_url": f"{here}/vtt/sprite",
            "vtt_url": f"{here}/vtt/thumbs",
        }
    else:
        urls = {"url": f"{here}/image", "thumbnail_url": f"{here}/thumbnail"}
    is_clip = kind == "image" and file["__typename"] == "VideoFile"
    return MediaItem(
        media="video" if kind == "scene" or is_clip else "image",
        fingerprint=fingerprint(file),
        path="" if file["zip_file"] else file["path"],
        size_bytes=int(file["size"]),
        duration_s=float(file.get("duration") or 0.0),
        width=int(file["width"]),
        height=int(file["height"]),
        **common,
        **urls,
    )


def fingerprint(file: dict[str, Any]) -> str:
    """What tells this file's bytes from others'."""
    known = {entry["type"]: entry["value"] for entry in file["fingerprints"]}
    for kind in _FINGERPRINTS:
        if known.get(kind):
            return f"{kind}:{known[kind]}"
    return f"stat:{file['size']}:{file['mod_time']}"


def _of_gallery(row: dict[str, Any], file: dict[str, Any] | None) -> str:
    """What tells a gallery from another that gets the same id once Stash was rebuilt; images that join don't count."""
    if file is not None:
        return f"gallery:{fingerprint(file)}"
    if row["folder"]:
        return f"gallery:folder:{_digest(row['folder']['path'])}"
    made_at = read_time(row["created_at"]).astimezone(UTC).isoformat()
    return f"gallery:made:{_digest(made_at, row['title'] or '')}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def changed_at(kind: ItemKind, row: dict[str, Any]) -> datetime:
    """When the item was made or a file of it changed; of a gallery, when anything of it did."""
    files = row["visual_files"] if kind == "image" else row["files"]
    times = [row["created_at"], *(file["updated_at"] for file in files)]
    if kind == "gallery":
        times.append(row["updated_at"])
    return max(read_time(text) for text in times)


def read_time(text: str) -> datetime:
    """A time as Stash writes it, in whatever zone, or as we do; UTC where it names none."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
