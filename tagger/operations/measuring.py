"""The operations that look back, and those that carry away: evaluate, export, import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tagger.app import App
from tagger.errors import TaggerError
from tagger.evaluate import Case, coco_truth, csv_truth, file_cases, library_cases, measure, write_page
from tagger.evaluate.page import as_json, lines
from tagger.judgement.vocabulary import singular
from tagger.library import exchange
from tagger.library.progress import many
from tagger.library.promise import Seen
from tagger.operations.operation import Answer, Operation, Wish, as_worker


def evaluate(app: App, wish: Wish) -> Answer:
    """Against the library's own tags, a COCO file (.json) or a CSV of path and tag; nothing is looked at again."""
    scope = app.config.scope.to_scope()
    if not wish.paths:
        cases, known = library_cases(app.library, app.store, scope)
        against = f"the tags that {app.library.name} had of its own"
    else:
        file = Path(wish.paths[0])
        truth = csv_truth(file) if file.suffix.lower() == ".csv" else coco_truth(file, app.policy.names)
        cases, known, against = file_cases(app.library, app.store, scope, truth), truth.known, file.name
    if not cases:
        raise TaggerError(f"Nothing can be compared with {against}: no item in scope is in it.")
    measured = measure(cases, known)
    folder = Path(wish.out) if wish.out else app.data / "evaluate"
    made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def picture(fingerprint: str) -> bytes | None:
        thumbs = app.store.thumbs(fingerprint)
        return thumbs[len(thumbs) // 2].jpeg if thumbs else None

    page = write_page(folder / "evaluate.html", measured, against, made_at, picture)
    data = as_json(measured, against)
    exchange.write(folder / "evaluate.json", data)
    return Answer([*lines(measured, against), f"With pictures: {page}"], {**data, "page": str(page)})


def complete_looks(app: App) -> dict[tuple[str, str], list[Seen]]:
    """Looks at tags that the person calls complete: there and absent both say something."""
    complete = {singular(name) for name in app.config.tags.complete}
    if not complete:
        return {}
    cases, _ = library_cases(app.library, app.store, app.config.scope.to_scope(), untagged=True)
    return looks_in(cases, complete)


def looks_in(cases: Sequence[Case], complete: set[str]) -> dict[tuple[str, str], list[Seen]]:
    """What the person's own complete tags say of each decision that there was about one of them."""
    looks: dict[tuple[str, str], list[Seen]] = {}
    for case in cases:
        true = {singular(name) for name in case.true}
        for decision in case.decisions:
            if singular(decision.tag) in complete:
                said = decision.prediction
                seen = Seen(said.probability, singular(decision.tag) in true)
                looks.setdefault((said.feature, decision.tag), []).append(seen)
    return looks


def export(app: App, wish: Wish) -> Answer:
    """json: settings, answers, provenance in one file; csv: path and tag; xmp: sidecars below a folder of yours."""
    if wish.beside_media:
        written, left = exchange.write_xmp(app.library, app.store, None)
        return _sidecars(written, left, "beside the media")
    if not wish.paths:
        raise TaggerError("Say where to: 'export FILE', or 'export --as xmp FOLDER'.")
    target = Path(wish.paths[0])
    if wish.format == "csv":
        rows = exchange.write_csv(app.library, app.store, target)
        return Answer([f"{rows:,} tags and performers are in {target}."], {"rows": rows, "file": str(target)})
    if wish.format == "xmp":
        return _sidecars(*exchange.write_xmp(app.library, app.store, target), f"in {target}")
    config = app.data / "config.yml"
    settings = config.read_text(encoding="utf-8") if config.exists() else ""
    content = exchange.to_json(app.store, settings)
    exchange.write(target, content)
    targets = Counter(row["target"] for row in content["tags"])
    counts = {
        "rules": len(content["rules"]),
        "answers": len(content["answers"]),
        "tags": targets["tag"],
        "performers": targets["performer"],
    }
    words = ", ".join(many(n, name.removesuffix("s")) for name, n in counts.items())
    return Answer([f"{target} holds the settings, {words}. It says what is in your pictures: keep it private."], counts)


def _sidecars(written: int, left: int, where: str) -> Answer:
    said = [f"Wrote {many(written, 'sidecar')} {where}."]
    said += [f"Left {many(left, 'sidecar')} alone: another program made them."] if left else []
    return Answer(said, {"written": written, "left": left})


def take_in(app: App, wish: Wish) -> Answer:
    """Answers, rules and provenance of an export; items are found by their files. Settings are shown, not replaced."""
    if not wish.paths:
        raise TaggerError("Say which file: 'import FILE'.")
    with as_worker(app, "import"):
        taken = exchange.from_json(app.tools(looking=False), exchange.read(Path(wish.paths[0])))
    ours = _both(taken.tags, taken.performers)
    said = [f"{many(taken.answers, 'answer')} and {many(taken.rules, 'rule')} were taken in; ours here too: {ours}."]
    if taken.skipped_tags or taken.skipped_performers:
        said.append(f"Not found on their items, and left out: {_both(taken.skipped_tags, taken.skipped_performers)}.")
    config = app.data / "config.yml"
    if taken.settings and (not config.exists() or config.read_text(encoding="utf-8") != taken.settings):
        beside = app.data / "config.imported.yml"
        beside.write_text(taken.settings, encoding="utf-8")
        said.append(f"Its settings are in {beside}: rename it to config.yml to use them.")
    data = {
        "answers": taken.answers,
        "rules": taken.rules,
        "tags": taken.tags,
        "performers": taken.performers,
        "skipped": taken.skipped_tags + taken.skipped_performers,
    }
    return Answer(said, data)


def _both(tags: int, performers: int) -> str:
    return many(tags, "tag") + (f", {many(performers, 'performer')}" if performers else "")


ENTRIES: Mapping[str, Operation] = {
    "evaluate": evaluate,
    "export": export,
    "import": take_in,
}
