"""Keep and move: settings, answers and provenance as one readable file; applied tags as CSV or XMP sidecars."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import escape

from tagger.answers import Question, Saying, Selection, TagRule
from tagger.errors import StoreError, TaggerError
from tagger.judgement.vocabulary import TagIndex
from tagger.library.following import former_names, know_former_names, under_old_names
from tagger.library.tools import Tools
from tagger.ports import Library, Store
from tagger.types import Change, ItemKind, ItemRef, MediaItem, Performer, PlannedChange, Scope, Target

FORMAT = 1
_PAGE = 500
_MARK = "AI Tagger"  # in every sidecar of ours; another program's is never replaced


def to_json(store: Store, settings: str) -> dict[str, Any]:
    """Everything that a person said and that is ours, in words; ``settings`` is config.yml as it is."""
    return {
        "ai_tagger": FORMAT,
        "settings": settings,
        "former_names": former_names(store),
        "rules": [asdict(rule) for rule in store.rules()],
        "answers": [
            {**_question(answer.question), "say": answer.say, "source": answer.source, "at": answer.answered_at}
            for answer in store.answers()
        ],
        "tags": [{**_change(change), "at": change.changed_at} for change in _ours(store)],
    }


def _question(question: Question) -> dict[str, Any]:
    return {**asdict(question), "ref": list(question.ref)}


def _change(change: Change) -> dict[str, Any]:
    plan = change.plan
    return {
        "ref": list(plan.ref),
        "fingerprint": plan.fingerprint,
        "tag_name": plan.tag_name,
        "target": plan.target,
        "model": plan.model,
        "score": plan.score,
        "probability": plan.probability,
        "rule": plan.rule,
        "why": plan.why,
    }


def _ours(store: Store) -> Iterator[Change]:
    after = 0
    while changes := store.ours(Selection(), after, _PAGE):
        after = changes[-1].id
        yield from changes


@dataclass(frozen=True, slots=True)
class Imported:
    """``tags`` and ``performers`` are known as ours again; those ``skipped`` weren't found on their items.
    ``settings`` is the text of the exported config.yml, which a person puts in place."""

    answers: int
    rules: int
    tags: int
    performers: int
    skipped_tags: int
    skipped_performers: int
    settings: str


def from_json(tools: Tools, content: object) -> Imported:
    """Take in what :func:`to_json` gave, here or elsewhere. Items are found by their files, tags by their names;
    nothing is written to the library. Importing twice changes nothing. Raises TaggerError."""
    store = tools.store
    try:
        if not isinstance(content, dict) or content["ai_tagger"] != FORMAT:
            raise TaggerError("This isn't an export of AI Tagger, or of a newer version: choose another file.")
        rules = [TagRule(**rule) for rule in content["rules"]]
        said = [(_asked(row), row["say"], row["source"]) for row in content["answers"]]
        ours = [dict(row) for row in content["tags"]]
        former = {str(old): str(new) for old, new in content.get("former_names", {}).items()}
        wanted = {q.fingerprint for q, _, _ in said} | {row["fingerprint"] for row in ours}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TaggerError(f"The export is damaged ({type(error).__name__}: {error}): make it again.") from None
    items = _items(tools.library, wanted - {""})
    known = {(a.question.ref, a.question.fingerprint, a.question.tag_name, a.say) for a in store.answers()}
    sayings = []
    for question, say, source in said:
        here = items.get(question.fingerprint)
        moved = _moved(question, here.ref) if here is not None else question
        if (moved.ref, moved.fingerprint, moved.tag_name, say) not in known:
            sayings.append(Saying(moved, say, source))
    now = {(rule.tag_name, rule.kind, rule.apply) for rule in store.rules()}
    new_rules = [rule for rule in rules if (rule.tag_name, rule.kind, rule.apply) not in now]
    know_former_names(store, former)
    adopted, there = _adopt(tools, ours, items), Counter(row["target"] for row in ours)
    if sayings or new_rules:
        store.say(f"{len(sayings)} answers were imported", sayings, new_rules, follow=False)
    tags, performers = adopted["tag"], adopted["performer"]
    return Imported(
        answers=len(sayings),
        rules=len(new_rules),
        tags=tags,
        performers=performers,
        skipped_tags=there["tag"] - tags,
        skipped_performers=there["performer"] - performers,
        settings=str(content.get("settings", "")),
    )


def _asked(row: dict[str, Any]) -> Question:
    fields = {name: row[name] for name in ("fingerprint", "tag_name", "feature", "subject", "probability", "target")}
    kind, item_id = row["ref"]
    return Question(ItemRef(kind, str(item_id)), **fields)


def _moved(question: Question, ref: ItemRef) -> Question:
    q = question
    return Question(ref, q.fingerprint, q.tag_name, q.feature, q.subject, q.probability, q.target)


def _items(library: Library, fingerprints: set[str]) -> dict[str, MediaItem]:
    """The library's items with these files."""
    found: dict[str, MediaItem] = {}
    kinds: tuple[ItemKind, ...] = ("scene", "image", "gallery")
    for kind in kinds:
        after = ""
        while page := library.page(kind, Scope(), after, _PAGE):
            after = page[-1].ref.id
            found |= {item.fingerprint: item for item in page if item.fingerprint in fingerprints}
    return found


def _adopt(tools: Tools, rows: Sequence[dict[str, Any]], items: dict[str, MediaItem]) -> Counter[Target]:
    """Tags and performers that an export calls ours, and that are on their items, are ours here too; how many."""
    index = TagIndex(under_old_names(tools.store, tools.library.tags()))
    named = _by_name(tools.library.performers()) if any(row["target"] == "performer" for row in rows) else {}
    plans: list[PlannedChange] = []
    for row in rows:
        item, name = items.get(row["fingerprint"]), str(row["tag_name"])
        if item is None:
            continue
        model, score, sure = str(row["model"]), float(row["score"]), float(row["probability"])
        rule, why, target = str(row["rule"]), str(row["why"]), row["target"]
        if target == "performer":
            there = [one for one in named.get(name.casefold(), ()) if one.id in item.performer_ids]
            if len(there) != 1:  # Of two who are called so, nobody knows whom we put there.
                continue
            found = (name, there[0].id)
        else:
            tag = index.find(name)
            if tag is None or tag.id not in item.tag_ids:
                continue
            found = (tag.name, tag.id)
        plans.append(PlannedChange(item.ref, item.fingerprint, *found, model, score, sure, rule, why, target=target))
    if plans:
        run = tools.store.begin_run("import", Scope(), resume=False)
        adopted = tools.store.adopt(run.id, plans)
        tools.store.end_run(run.id, "done", f"{adopted} tags and performers known as ours again")
    return Counter(plan.target for plan in plans)


def _by_name(performers: Sequence[Performer]) -> dict[str, list[Performer]]:
    """Under their names and aliases, in small letters."""
    found: dict[str, list[Performer]] = defaultdict(list)
    for one in performers:
        for name in {known.casefold() for known in (one.name, *one.aliases)}:
            found[name].append(one)
    return found


# ---------------------------------------------------------------- tags for other programs


def applied(library: Library, store: Store) -> Iterator[tuple[MediaItem, list[Change]]]:
    """Items that have tags of ours, with these."""
    by_item: dict[ItemRef, list[Change]] = defaultdict(list)
    for change in _ours(store):
        by_item[change.plan.ref].append(change)
    refs = list(by_item)
    for start in range(0, len(refs), _PAGE):
        for item in library.get(refs[start : start + _PAGE]):
            yield item, by_item[item.ref]


def write_csv(library: Library, store: Store, file: Path) -> int:
    """path, tag (or performer), which of the two, probability, model, written at; how many rows. Raises StoreError."""
    rows = 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as stream:
            out = csv.writer(stream)
            out.writerow(["path", "tag", "what", "probability", "model", "at"])
            for item, changes in applied(library, store):
                for change in changes:
                    plan = change.plan
                    path = item.path or item.ref.id
                    sure = f"{plan.probability:.4f}"
                    out.writerow([path, plan.tag_name, plan.target, sure, plan.model, change.changed_at])
                    rows += 1
    except OSError as error:
        raise StoreError(f"{file} can't be written ({error.strerror}): choose another place.") from error
    return rows


def write_xmp(library: Library, store: Store, folder: Path | None) -> tuple[int, int]:
    """One sidecar for each file with tags of ours: below ``folder`` in the files' own tree, or beside the media (None).
    How many were written, and how many were left alone since another program made them. Raises StoreError."""
    written = left = 0
    for item, changes in applied(library, store):
        if not item.path or item.ref.kind == "gallery":
            continue
        source = Path(item.path)
        target = Path(f"{source}.xmp") if folder is None else _inside(folder, item.path)
        try:
            if target.exists() and _MARK not in target.read_text(encoding="utf-8", errors="replace"):
                left += 1
                continue
            if folder is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
            people = [change.plan.tag_name for change in changes if change.plan.target == "performer"]
            target.write_text(sidecar([change.plan.tag_name for change in changes], people), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{target} can't be written ({error.strerror}): choose another place.") from error
        written += 1
    return written, left


def _inside(folder: Path, path: str) -> Path:
    """The same path below ``folder``; nothing leads out of it."""
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    clean = [part.replace(":", "") or "_" for part in parts]
    return folder.joinpath(*clean[:-1], clean[-1] + ".xmp")


def sidecar(tags: Sequence[str], people: Sequence[str] = ()) -> str:
    """An XMP file with these as dc:subject, which photo programs show as keywords; ``people`` also as IPTC's persons
    shown in the image."""
    shown = f"\n{_bag('Iptc4xmpExt:PersonInImage', people)}" if people else ""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="{_MARK}">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
{_bag("dc:subject", tags)}{shown}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def _bag(name: str, words: Sequence[str]) -> str:
    entries = "\n".join(f"     <rdf:li>{escape(_printable(word))}</rdf:li>" for word in sorted(set(words)))
    return f"   <{name}>\n    <rdf:Bag>\n{entries}\n    </rdf:Bag>\n   </{name}>"


def _printable(text: str) -> str:
    """Without what XML can't hold."""
    return "".join(c for c in text if c.isprintable())


def read(file: Path) -> object:
    """An export. Raises TaggerError."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TaggerError(f"There is no file {file}: check its path.") from None
    except (OSError, ValueError) as error:
        raise TaggerError(f"{file} can't be read as an export ({error}): choose another file.") from None


def write(file: Path, content: dict[str, Any]) -> None:
    """One readable file, replaced as a whole. Raises StoreError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(file.name + ".part")
        part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise StoreError(f"{file} can't be written ({error.strerror}): choose another place.") from error
