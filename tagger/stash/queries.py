"""Every GraphQL text that we send to Stash, by name; the tests check each against a real server's schema.

Each asks only for what a :class:`~tagger.types.MediaItem` needs. The three kinds of items answer under the same aliases
(``found``, ``items``), so that one reader does for all.
"""

from __future__ import annotations

from typing import Final

from tagger.types import ItemKind

_FILE = """
path size mod_time updated_at zip_file { id } fingerprints { type value }
"""

_FIELDS: Final[dict[ItemKind, str]] = {
    "scene": f"""
id title date organized created_at updated_at tags {{ id }} performers {{ id }}
files {{ {_FILE} width height duration }}
""",
    "image": f"""
id title date organized created_at updated_at tags {{ id }} performers {{ id }} galleries {{ id }}
visual_files {{
  __typename
  ... on ImageFile {{ {_FILE} width height }}
  ... on VideoFile {{ {_FILE} width height duration }}
}}
""",
    "gallery": f"""
id title date organized created_at updated_at image_count tags {{ id }} performers {{ id }}
files {{ {_FILE} }}
folder {{ path }}
""",
}

_NAMES: Final[dict[ItemKind, tuple[str, str, str]]] = {
    # kind: (query, filter's argument, list)
    "scene": ("findScenes", "scene_filter", "scenes"),
    "image": ("findImages", "image_filter", "images"),
    "gallery": ("findGalleries", "gallery_filter", "galleries"),
}

_FILTER_TYPES: Final[dict[ItemKind, str]] = {
    "scene": "SceneFilterType",
    "image": "ImageFilterType",
    "gallery": "GalleryFilterType",
}


def _page(kind: ItemKind) -> str:
    query, argument, items = _NAMES[kind]
    return (
        f"query Page($where: {_FILTER_TYPES[kind]}, $filter: FindFilterType) "
        f"{{ found: {query}({argument}: $where, filter: $filter) {{ items: {items} {{ {_FIELDS[kind]} }} }} }}"
    )


def _count(kind: ItemKind) -> str:
    query, argument, _ = _NAMES[kind]
    return (
        f"query Count($where: {_FILTER_TYPES[kind]}, $filter: FindFilterType) "
        f"{{ found: {query}({argument}: $where, filter: $filter) {{ count }} }}"
    )


def _ids(kind: ItemKind) -> str:
    query, argument, items = _NAMES[kind]
    return (
        f"query Ids($where: {_FILTER_TYPES[kind]}, $filter: FindFilterType) "
        f"{{ found: {query}({argument}: $where, filter: $filter) {{ items: {items} {{ id }} }} }}"
    )


def _by_id(kind: ItemKind) -> str:
    query, _, items = _NAMES[kind]
    return f"query ById($ids: [ID!]) {{ found: {query}(ids: $ids) {{ items: {items} {{ {_FIELDS[kind]} }} }} }}"


def _tags_of(kind: ItemKind, what: str) -> str:
    query, _, items = _NAMES[kind]
    return f"query Of($ids: [ID!]) {{ found: {query}(ids: $ids) {{ items: {items} {{ id {what} {{ id }} }} }} }}"


PAGE: Final[dict[ItemKind, str]] = {kind: _page(kind) for kind in _NAMES}
COUNT: Final[dict[ItemKind, str]] = {kind: _count(kind) for kind in _NAMES}
IDS: Final[dict[ItemKind, str]] = {kind: _ids(kind) for kind in _NAMES}
BY_ID: Final[dict[ItemKind, str]] = {kind: _by_id(kind) for kind in _NAMES}
TAGS_OF: Final[dict[ItemKind, str]] = {kind: _tags_of(kind, "tags") for kind in _NAMES}
PERFORMERS_OF: Final[dict[ItemKind, str]] = {kind: _tags_of(kind, "performers") for kind in _NAMES}

UPDATE: Final[dict[ItemKind, str]] = {
    "scene": "mutation Update($input: BulkSceneUpdateInput!) { bulkSceneUpdate(input: $input) { id } }",
    "image": "mutation Update($input: BulkImageUpdateInput!) { bulkImageUpdate(input: $input) { id } }",
    "gallery": "mutation Update($input: BulkGalleryUpdateInput!) { bulkGalleryUpdate(input: $input) { id } }",
}

TAGS: Final = """
query Tags { findTags(filter: {per_page: -1}) { tags { id name description aliases parents { id } } } }
"""

TAG_USE: Final = """
query TagUse($id: ID!) {
  findTag(id: $id) {
    scene_count scene_marker_count image_count gallery_count performer_count studio_count group_count child_count
  }
}
"""

CREATE_TAG: Final = """
mutation CreateTag($input: TagCreateInput!) { tagCreate(input: $input) { id name description aliases parents { id } } }
"""

PERFORMERS: Final = """
query Performers {
  findPerformers(filter: {per_page: -1}) { performers { id name alias_list image_path ignore_auto_tag } }
}
"""

CREATE_PERFORMER: Final = """
mutation CreatePerformer($input: PerformerCreateInput!) {
  performerCreate(input: $input) { id name alias_list image_path ignore_auto_tag }
}
"""

PERFORMER_USE: Final = """
query PerformerUse($id: ID!) {
  findPerformer(id: $id) { created_at updated_at scene_count image_count gallery_count }
}
"""

DESTROY_PERFORMER: Final = "mutation DestroyPerformer($id: ID!) { performerDestroy(input: {id: $id}) }"

DESTROY_TAG: Final = "mutation DestroyTag($id: ID!) { tagDestroy(input: {id: $id}) }"

SERVER: Final = """
query Server { configuration { general { apiKey databasePath configFilePath backupDirectoryPath } } }
"""

SETTINGS: Final = "query Settings($ids: [ID!]) { configuration { plugins(include: $ids) } }"

QUEUE: Final = """
query Queue { jobQueue { status description } pluginTasks { name plugin { id } } }
"""

RUN_TASK: Final = """
mutation RunTask($plugin: ID!, $description: String, $args: Map) {
  runPluginTask(plugin_id: $plugin, description: $description, args_map: $args)
}
"""

BACKUP: Final = "mutation Backup { backupDatabase(input: {download: false}) }"

ALL: Final[tuple[str, ...]] = (
    *(text for by_kind in (PAGE, COUNT, IDS, BY_ID, TAGS_OF, PERFORMERS_OF, UPDATE) for text in by_kind.values()),
    TAGS,
    TAG_USE,
    CREATE_TAG,
    PERFORMERS,
    CREATE_PERFORMER,
    PERFORMER_USE,
    DESTROY_PERFORMER,
    DESTROY_TAG,
    SERVER,
    SETTINGS,
    QUEUE,
    RUN_TASK,
    BACKUP,
)
