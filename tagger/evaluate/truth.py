"""Ground truths: the library's own tags, a COCO file, a CSV of (path, tag)."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tagger.errors import TaggerError
from tagger.evaluate.measure import Case
from tagger.judgement.vocabulary import Names, TagIndex
from tagger.ports import Library, Store
from tagger.types import Decision, ItemKind, MediaItem, Scope

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of files, by the ends of their paths; ``known`` are all names that it speaks of."""

    by_path: dict[str, frozenset[str]]
    known: frozenset[str]

    def of(self, path: str) -> frozenset[str] | None:
        """The names for this file, None when the truth doesn't know it; the longest end of a path wins."""
        parts = path.replace("\\", "/").strip("/").split("/")
        for start in range(len(parts)):
            found = self.by_path.get("/".join(parts[start:]))
            if found is not None:
                return found
        return None


def coco_truth(file: Path, names: Names) -> Truth:
    """A COCO annotation file; categories are labels, and become tags as the configuration says. Raises TaggerError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        labels = {c["id"]: str(c["name"]) for c in content["categories"]}
        paths = {i["id"]: _plain(str(i["file_name"])) for i in content["images"]}
        found: dict[str, set[str]] = {path: set() for path in paths.values()}
        for one in content["annotations"]:
            found[paths[one["image_id"]]].update(names.of_label(labels[one["category_id"]]))
    except FileNotFoundError:
        raise TaggerError(f"There is no file {file}: check its path.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TaggerError(
            f"{file} isn't a COCO file ({type(error).__name__}: {error}): it needs categories, images and annotations."
        ) from None
    known = frozenset(tag for label in labels.values() for tag in names.of_label(label))
    return Truth({path: frozenset(tags) for path, tags in found.items()}, known)


def csv_truth(file: Path) -> Truth:
    """Rows of path and tag (a row with an empty tag: nothing is true of that file). Raises TaggerError."""
    found: dict[str, set[str]] = defaultdict(set)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for number, row in enumerate(csv.reader(stream), 1):
                if number == 1 and [cell.strip().casefold() for cell in row[:2]] == ["path", "tag"]:
                    continue
                if row and len(row) < 2:
                    raise TaggerError(f"{file}, line {number}: a path and a tag are wanted, separated by a comma.")
                if row:
                    found[_plain(row[0].strip())].update({row[1].strip()} - {""})
    except FileNotFoundError:
        raise TaggerError(f"There is no file {file}: check its path.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TaggerError(f"{file} can't be read as a CSV ({error}): save it as UTF-8 with path,tag.") from None
    known = frozenset(tag for tags in found.values() for tag in tags)
    return Truth({path: frozenset(tags) for path, tags in found.items()}, known)


def _plain(path: str) -> str:
    return str(PurePosixPath(path.replace("\\", "/"))).strip("/")


def file_cases(library: Library, store: Store, scope: Scope, truth: Truth) -> list[Case]:
    """The items in scope that the truth knows."""
    cases = []
    for page in _pages(library, scope):
        known = [(item, names) for item in page if (names := truth.of(item.path or item.ref.id)) is not None]
        decisions = store.decisions([item.ref for item, _ in known])
        cases += [Case(i.name, i.fingerprint, tuple(decisions[i.ref]), names) for i, names in known]
    return cases


def library_cases(
    library: Library, store: Store, scope: Scope, untagged: bool = False
) -> tuple[list[Case], frozenset[str]]:
    """The items in scope that have a tag of somebody's own (``untagged``: the others, too), with these as the truth,
    and all their names.

    What is ours doesn't count as true. A tag that wasn't put on is taken for "it isn't so", which is only as good as
    the person's own tagging.
    """
    tags = library.tags()
    index, name_of = TagIndex(tags), {tag.id: tag.name for tag in tags}
    said: set[str] = set()
    cases = []
    for page in _pages(library, scope):
        standing = store.standing(page)
        own = {i.ref: i.tag_ids - standing[i.ref].ours for i in page}
        refs = [ref for ref, ids in own.items() if ids or untagged]
        decisions = store.decisions(refs)
        for item in page:
            if item.ref not in decisions:
                continue
            renamed = tuple(_by_their_names(decisions[item.ref], index))
            true = frozenset(name_of[i] for i in own[item.ref] if i in name_of)
            said |= true
            cases.append(Case(item.name, item.fingerprint, renamed, true))
    return cases, frozenset(said)


def _by_their_names(decisions: Iterable[Decision], index: TagIndex) -> Iterator[Decision]:
    for decision in decisions:
        tag = index.find(decision.tag) if decision.tag else None
        yield replace(decision, tag=tag.name) if tag is not None else decision


def _pages(library: Library, scope: Scope) -> Iterator[list[MediaItem]]:
    kinds: tuple[ItemKind, ...] = ("scene", "image")
    for kind in kinds:
        after = ""
        while kind in scope.kinds and (page := library.page(kind, scope, after, _PAGE)):
            after = page[-1].ref.id
            yield page
