"""Whether one item is in scope, for items that come by id (a library's own query does it for pages)."""

from __future__ import annotations

from tagger.types import MediaItem, Scope


def in_scope(item: MediaItem, scope: Scope) -> bool:
    """The same limits as :meth:`tagger.ports.Library.page` applies, except for tags, which need the library."""
    path = item.path.replace("\\", "/")
    return (
        item.ref.kind in scope.kinds
        and (not scope.paths or any(below(path, folder) for folder in scope.paths))
        and not any(below(path, folder) for folder in scope.exclude_paths)
        and (scope.organized is None or item.organized == scope.organized)
        and (not scope.date_from or (item.date != "" and item.date >= scope.date_from))
        and (not scope.date_to or (item.date != "" and item.date <= scope.date_to))
        and (not scope.min_duration_s or item.ref.kind != "scene" or item.duration_s >= scope.min_duration_s)
        and (not scope.max_duration_s or item.ref.kind != "scene" or item.duration_s <= scope.max_duration_s)
    )


def below(path: str, folder: str) -> bool:
    """Whether a file lies in a folder; either kind of slash, and no half names (``/a/b`` isn't in ``/a/bc``)."""
    wanted = folder.replace("\\", "/").rstrip("/")
    return path == wanted or path.startswith(wanted + "/")
