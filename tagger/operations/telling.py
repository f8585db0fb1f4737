"""What works, what doesn't, what was done and what waits: the operations that only tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from tagger import catalogue
from tagger.app import App
from tagger.errors import TaggerError
from tagger.library.learn import question_lines
from tagger.library.progress import many
from tagger.library.told import called
from tagger.light.bootstrap import setup_status
from tagger.operations.operation import DONE, SOME_FAILED, Answer, Operation, Wish
from tagger.store.lock import holder
from tagger.types import ItemKind

MANY: dict[ItemKind, str] = {"scene": "scenes", "image": "images", "gallery": "galleries"}


def check(app: App, wish: Wish) -> Answer:
    """What works, what doesn't, what to do; every setting in force and where it comes from."""
    del wish
    lines, problems = list(setup_status(str(app.data), str(app.root))), []
    if app.connection is not None or app.folder is not None:
        try:
            scope = app.config.scope.to_scope()
            counts = ", ".join(f"{app.library.count(kind, scope):,} {MANY[kind]}" for kind in scope.kinds)
            lines.append(f"Library: {app.library.name}; in scope: {counts or 'nothing'}.")
        except TaggerError as error:
            problems.append(str(error))
    lines += device_lines(app)
    for spec in app.installed:
        lines.append(f"Model {spec.model} ({spec.feature}): here, {spec.licence}.")
        if spec.own:
            lines.append(catalogue.own_in_use(spec))
    for spec in app.missing:
        problems.append(f"Model {spec.model} ({spec.feature}) isn't here yet: run 'Set up'.")
    try:
        lines.append("Looks with: " + ", ".join(f"{r.model} ({r.feature})" for r in app.recognizers) + ".")
    except TaggerError as error:
        problems.append(str(error))
    doubts = _doubts(app)
    settings = [{"key": key, "value": value, "from": origin} for key, value, origin in app.loaded.effective()]
    lines.append("Settings in force:")
    lines += [f"  {row['key']}: {row['value']}   ({row['from']})" for row in settings]
    lines += [f"Careful: {doubt}" for doubt in doubts]
    lines += [f"To do: {problem}" for problem in problems] or ["Everything works."]
    return Answer(lines, {"settings": settings, "problems": [*problems, *doubts]}, SOME_FAILED if problems else DONE)


def _doubts(app: App) -> list[str]:
    try:
        return app.doubts
    except TaggerError:  # Said already, or by the models.
        return []


def device_lines(app: App) -> list[str]:
    """What models run on, and what can't be used, with the reason."""
    lines = []
    for report in app.devices:
        if not report.usable:
            lines.append(f"{report.name} can't be used: {report.reason}")
    try:
        lines.append(f"Models run on: {app.device}, with {many(app.cores, 'processor core')}.")
    except TaggerError as error:
        lines.append(str(error))
    return lines


def status(app: App, wish: Wish) -> Answer:
    """What was done, what goes on, what waits, what failed."""
    summary = app.store.summary()
    runs = app.store.runs(wish.limit)
    failures = app.store.failures(wish.limit)
    worker = holder(app.data)
    lines = [f"{worker.purpose} is at work, since {worker.started_at}." if worker else "No run is at work."]
    lines += _summary_lines(summary) + question_lines(app.store)
    lines += ["Runs, the latest first:" if runs else "There was no run yet."]
    for run in runs:
        shown = [
            *(name for name in _COUNTED if run.counts.get(name)),
            *sorted(name for name in run.counts.keys() - {*_COUNTED, "planned"} if run.counts[name]),
        ]
        counts = ", ".join(f"{_COUNTED.get(name, name)} {run.counts[name]:,}" for name in shown)
        state = "interrupted; the next one goes on there" if run.state == "running" and not worker else run.state
        line = f"  {run.id}: {called(run)}, {run.started_at}, {state}: {counts or 'nothing'}. {run.message}"
        lines.append(line.rstrip())
    lines += [f"Could not be read ({f.tries} of 2 tries): {f.path}: {f.reason}" for f in failures]
    data = {
        "working": asdict(worker) if worker else None,
        "summary": summary,
        "runs": [
            {
                "id": r.id,
                "operation": r.operation,
                "what": called(r),
                "state": r.state,
                "started_at": r.started_at,
                "counts": dict(r.counts),
            }
            for r in runs
        ],
        "failures": [{"kind": f.ref.kind, "id": f.ref.id, "path": f.path, "reason": f.reason} for f in failures],
    }
    return Answer(lines, data)


_COUNTED = {
    "passed": "items",
    "looked": "looked at",
    "failed": "not readable",
    "unchanged": "known already",
    "given up": "left alone after two tries",
    "forgotten": "gone from the library",
    "added": "tags added",
    "removed": "tags taken back",
    "review": "tags to review",
    "withheld": "tags held back",
}
"""What the counts of a run are of; the others say it by their name."""


def _summary_lines(summary: Mapping[str, int]) -> list[str]:
    n = summary.get
    lines = [
        f"Items: {n('items', 0):,} known, {n('looked', 0):,} of them looked at, {n('failed', 0):,} not readable.",
        f"Tags: {n('ours', 0):,} of ours are in the library, {n('review', 0):,} wait for your review.",
    ]
    if n("pending", 0):
        lines.append(f"{n('pending', 0):,} tags are still to be written: the next run does that first.")
    if n("gone", 0):
        lines.append(f"{n('gone', 0):,} tags of ours are gone, by a person's hand or with their item, and stay away.")
    if n("waiting", 0):
        lines.append(f"{n('waiting', 0):,} items wait to be looked at.")
    lines.append(f"Disk: {catalogue.megabytes(n('bytes', 0))} for what was seen, of all libraries in this data folder.")
    return lines


ENTRIES: Mapping[str, Operation] = {
    "check": check,
    "status": status,
}
