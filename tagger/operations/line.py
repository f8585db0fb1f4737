"""The main line: set up, try, tag, serve what was asked for, undo; look at files, and the first demonstration."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tagger import catalogue
from tagger.answers import Selection
from tagger.app import App
from tagger.errors import BusyError, ModelError
from tagger.figures import percent
from tagger.library.attempt import Attempt, try_library
from tagger.library.find import URGENT, Order
from tagger.library.housekeeping import backup_once
from tagger.library.people.census import follow_reviews
from tagger.library.progress import many, most, words
from tagger.library.tag import Outcome, tag_library
from tagger.library.takeback import send_all
from tagger.library.undo import Undone, undo_run
from tagger.operations import looking, peopling, saying, telling
from tagger.operations.operation import DONE, SOME_FAILED, Answer, Operation, Wish, as_worker
from tagger.ports import Host
from tagger.store.lock import wanted, worker_lock

_SERVE_IDLE_S, _SERVE_LOOK_S = 60.0, 0.25


def setup(app: App, wish: Wish) -> Answer:
    """Get the chosen models, write the example configuration, say what they will run on."""
    del wish
    lines = []
    if app.write_example_config():
        lines.append(f"Settings: {app.data / 'config.yml'} is there now, with every setting explained.")
    problems = app.fetch_missing()
    if app.installed:
        lines.append(f"Models that are here: {', '.join(f'{spec.name} ({spec.licence})' for spec in app.installed)}.")
    lines += problems
    lines += telling.device_lines(app)
    if problems and not app.installed:
        lines.append("Until then only the built-in recognizers work (day and night, black and white).")
    else:
        lines.append("Everything is set up. Now run 'Try it', which writes nothing, and then 'Tag library'.")
    lines.append(_about_people(app))
    data = {"installed": [spec.model for spec in app.installed], "problems": problems}
    return Answer(lines, data, SOME_FAILED if problems else DONE)


def _about_people(app: App) -> str:
    mode = app.mode("people")
    if mode == "off":
        return "People are off: faces are left alone (features.people switches them on)."
    return (
        f"People are on ({mode}): faces are compared on this computer only, and nobody is known before you say who "
        "('Learn people'); features.people: off leaves faces alone."
    )


def try_it(app: App, wish: Wish) -> Answer:
    """Look at some items spread over the library; write nothing."""
    looking.must_hold_media(app)
    _ready(app)
    app.be_modest()
    attempt = try_library(app.tools(), app.config.scope.to_scope(), wish.limit)
    report = looking.write_tried_report(app, attempt.items, "Try it", _attempt_lines(attempt))
    lines = [*_attempt_lines(attempt), f"Pictures of all this: {report}"]
    for tried in attempt.items:
        names = [d.tag for d in tried.decisions if d.verdict == "apply"]
        app.progress.say(f"{tried.look.item.name}: {tried.look.error or ', '.join(dict.fromkeys(names)) or 'nothing'}")
    data = {
        "tried": len(attempt.items),
        "total": dict(attempt.total),
        "seconds": round(attempt.seconds, 2),
        "left_s": round(attempt.left_s),
        "tags": dict(attempt.by_tag),
        "review": attempt.review,
        "new_tags": list(attempt.new_tags),
        "failed": [{"name": look.item.name, "error": look.error} for look in attempt.failed],
        "report": str(report),
    }
    looking.keep_tried(app, attempt.items)
    shown = {
        "tried": len(attempt.items),
        "tags": dict(attempt.by_tag),
        "review": attempt.review,
        "left": words(attempt.left_s),
        "left_s": round(attempt.left_s),
        "all": sum(attempt.total.values()),
        "failed": len(attempt.failed),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    app.store.remember("tried", json.dumps({**shown, "report": str(report)}, ensure_ascii=False))
    return Answer(lines, data, SOME_FAILED if attempt.failed else DONE)


def _attempt_lines(attempt: Attempt) -> list[str]:
    tags = ", ".join(f"{name} ({n})" for name, n in list(attempt.by_tag.items())[:40])
    total = " and ".join(many(n, kind, telling.MANY[kind]) for kind, n in attempt.total.items())
    disk = catalogue.megabytes(attempt.disk_bytes) if attempt.disk_bytes else "no room"
    lines = [
        f"Looked at {many(len(attempt.items), 'item')} in {words(attempt.seconds)}; nothing was written.",
        f"Would write: {tags or 'no tags'}. {many(attempt.review, 'more tag')} would wait for your review.",
        f"All of it, {total}, would take about {words(attempt.left_s)} and {disk} on the disk.",
    ]
    if attempt.new_tags:
        lines.append(f"Tags that would be made: {', '.join(attempt.new_tags)}.")
    if attempt.failed:
        first = attempt.failed[0]
        lines.append(f"{len(attempt.failed):,} could not be read, such as {first.item.name}: {first.error}")
    return lines


def tag(app: App, wish: Wish) -> Answer:
    """Everything in scope."""
    return _run(app, wish, "tag")


def serve(app: App, wish: Wish) -> Answer:
    """What people ask for on Stash's pages, as long as nobody else works; ends when a while nothing was asked."""
    del wish
    served = 0
    try:
        with worker_lock(app.data, "Looking at what was asked for"):
            _ready(app)
            app.be_modest()
            backup = app.backs_up
            order = Order(operation="asked", slice_s=0.0, backup=backup)
            tools = replace(app.tools(), host=_MakesRoom(app.host, app.data), take_in=_nothing)
            until = time.monotonic() + _SERVE_IDLE_S
            while time.monotonic() < until and not wanted(app.data):
                if app.store.waiting(1, URGENT):
                    outcome = tag_library(tools, order)
                    served += outcome.counts.get("passed", 0)
                    until = time.monotonic() + _SERVE_IDLE_S
                elif app.store.pending(1) or app.store.pending(1, "remove"):
                    send_all(tools, lambda: backup_once(tools, order))
                    follow_reviews(tools)
                    until = time.monotonic() + _SERVE_IDLE_S
                else:
                    time.sleep(_SERVE_LOOK_S)
    except BusyError:
        return Answer(["Another run serves what was asked for."])
    return Answer([f"Served {served:,} items that were asked for."])


@dataclass(frozen=True, slots=True)
class _MakesRoom:
    """A host for whom everybody who wants the worker's place goes first; the queue keeps what is left."""

    host: Host
    data: Path

    def others_waiting(self) -> bool:
        return wanted(self.data)

    def queue_again(self, args: Mapping[str, Any], description: str) -> None:
        """Whoever takes the place serves the queue."""

    def backup(self) -> str:
        return self.host.backup()

    def settings(self) -> dict[str, Any]:
        return self.host.settings()


def _nothing() -> None:
    """What hooks noted is for a run that has a task in Stash's queue."""


def new(app: App, wish: Wish) -> Answer:
    """What hooks noted, and what changed since the last run."""
    return _run(app, wish, "new")


def _run(app: App, wish: Wish, operation: str) -> Answer:
    if not wish.forget_gone:
        looking.must_hold_media(app)
    with as_worker(app, operation):
        _ready(app)
        app.be_modest()
        order = Order(
            operation=operation,
            scope=app.config.scope.to_scope(),
            dry_run=wish.dry_run,
            slice_s=app.config.run.slice_minutes * 60,
            backup=app.backs_up,
            try_again=wish.again,
            forget_gone=wish.forget_gone,
        )
        if not wish.dry_run:
            app.store.remember("device", app.device)
        outcome = tag_library(app.tools(), order)
        last = outcome
        while last.finished and not wish.dry_run and not app.spool_is_finished():
            last = tag_library(app.tools(), replace(order, operation="new"))
            outcome = _together(outcome, last)
        report = None if wish.dry_run else looking.follow_reports(app, _outcome_lines(outcome, wish))
    lines = _outcome_lines(outcome, wish)
    if report is not None:
        lines.append(f"Report: {report}")
    failed = outcome.counts.get("failed", 0)
    data = {
        "run": outcome.run_id,
        "finished": outcome.finished,
        "seconds": round(outcome.seconds, 2),
        "counts": dict(outcome.counts),
        "tags": dict(outcome.by_tag),
        "report": str(report) if report else None,
    }
    return Answer(lines, data, SOME_FAILED if failed else DONE)


def _together(first: Outcome, then: Outcome) -> Outcome:
    """A run and what came in meanwhile, as one."""
    return Outcome(
        first.run_id,
        then.finished,
        Counter(first.counts) + Counter(then.counts),
        first.seconds + then.seconds,
        Counter(first.by_tag) + Counter(then.by_tag),
        Counter(first.taken_back) + Counter(then.taken_back),
    )


def _outcome_lines(outcome: Outcome, wish: Wish) -> list[str]:
    n = outcome.counts.get
    lines = [
        f"Run {outcome.run_id}: " if outcome.run_id else "Dry run: ",
    ]
    # Galleries, and items that only needed deciding again, are judged without a look.
    judged = n("passed", 0) - n("looked", 0) - n("failed", 0) - n("unchanged", 0) - n("given up", 0)
    lines[0] += (
        f"{many(n('passed', 0), 'item')}: {n('looked', 0):,} looked at, {judged:,} judged by what was seen, "
        f"{n('unchanged', 0):,} known already, {n('failed', 0):,} not readable; {words(outcome.seconds)}."
    )
    top = most(outcome.by_tag)
    if wish.dry_run:
        lines.append(f"Would add {many(n('planned', 0), 'tag')}{': ' + top if top else ''}. Nothing was written.")
    else:
        lines.append(f"Added {many(n('added', 0), 'tag')}{': ' + top if top else ''}.")
    lines += _taken_back_lines(outcome)
    if n("review", 0):
        lines.append(f"Less sure, so left for your review: {many(n('review', 0), 'tag')}.")
    if n("given up", 0):
        lines.append(f"Left alone after two tries, until the file changes: {n('given up', 0):,} ('status' lists them).")
    if not outcome.finished:
        lines.append("It goes on after the jobs that were waiting.")
    return lines


def _taken_back_lines(outcome: Outcome) -> list[str]:
    removed, more = (outcome.counts.get(name, 0) for name in ("removed", "withheld"))
    top = most(outcome.taken_back)
    lines = [f"Took back {many(removed, 'tag')} that no longer pass{': ' + top if top else ''}."] if removed else []
    if more:
        what = many(more, "more tag" if removed else "tag")
        lines.append(f"{what} of ours would go, too many to do it unasked: run 'Decide again'.")
    return lines


def _ready(app: App) -> None:
    """A task that needs models gets them first. Raises ModelError when none can be had at all."""
    app.write_example_config()
    problems = app.fetch_missing()
    if problems and not app.installed:
        raise ModelError(problems[0])
    for problem in problems:
        app.progress.warn(problem)


def undo(app: App, wish: Wish) -> Answer:
    """Take a run's tags back: the last one's, or that of ``--run``; or what other options name."""
    if wish.everything or saying.chosen(replace(wish, run=None)) != Selection():
        return saying.undo_chosen(app, wish)
    with as_worker(app, "undo"):
        undone = undo_run(app.tools(looking=False), wish.run, wish.dry_run)
    if not undone.run_id:
        return Answer(["There is nothing to undo: no run has tags in the library."], asdict(undone))
    lines = _undone_lines(undone, wish.dry_run)
    run = app.store.run(undone.run_id)
    comes_again = undone.removed and run is not None and run.operation not in ("people", "review")
    if comes_again and not wish.dry_run:
        lines.append(
            "The next 'Tag library' or 'Decide again' writes these again, unless you change thresholds or lists first."
        )
    if not wish.dry_run:
        looking.follow_reports(app, lines)
    return Answer(lines, asdict(undone))


def _undone_lines(undone: Undone, dry_run: bool) -> list[str]:
    top = most(undone.by_tag)
    took, put = ("Would take", "Would put") if dry_run else ("Took", "Put")
    lines = [f"{took} back {many(undone.removed, 'tag')} of {undone.what}{': ' + top if top else ''}."]
    lines += [f"{put} back {many(undone.restored, 'tag')} that it had taken back."] if undone.restored else []
    lines += [f"Left alone: {n:,}, since {reason}." for reason, n in undone.left.items()]
    if undone.deleted:
        lines.append(f"Deleted tags that it had made and nothing uses: {', '.join(undone.deleted)}.")
    if undone.answers:
        lines.append(
            f"{many(undone.answers, 'answer')} that did this {'is' if undone.answers == 1 else 'are'} taken back, too; "
            "those that changed nothing in the library still stand ('review acts')."
        )
    return lines


_LOOKED = {"apply": "", "review": "unsure: ", "keep": "not shown: "}


def look(app: App, wish: Wish) -> Answer:
    """What it sees in these files, as lines; :func:`tagger.operations.looking.look_json` streams it as JSON."""
    failed = 0
    lines: list[str] = []
    for seen in look_json(app, wish):
        failed += seen["error"] is not None
        said = []
        for verdict, called in _LOOKED.items():
            names = [f"{p['name']} {percent(p['score'])}" for p in seen["predictions"] if p["verdict"] == verdict]
            said += [called + ", ".join(names)] if names else []
        lines.append(f"{seen['path']}: {seen['error'] or '; '.join(said) or 'nothing'}")
    return Answer(lines, {}, SOME_FAILED if failed else DONE)


def look_json(app: App, wish: Wish) -> Iterator[dict[str, Any]]:
    """One object for each file, as they are done. Raises ModelError when no model can be had."""
    _ready(app)
    paths = [Path(path) for path in wish.paths]
    if not wish.people:
        yield from looking.look_json(app, paths)
        return
    with peopling.known_from(app, Path(wish.people)) as (known, learned):
        for line in learned.lines():
            app.progress.say(line)
        yield from looking.look_json(app, paths, known)


def demo(app: App, wish: Wish) -> Answer:
    """The first thing a new person runs: look at a folder, or at drawn pictures, and leave a report."""
    lines = [f"To do: {problem}" for problem in app.fetch_missing()]
    if lines:
        lines.append("So only the built-in recognizers looked (day and night, black and white, colours).")
        lines.append("With a folder that has the model files, 'demo --mirror FOLDER' needs no network.")
    app.write_example_config()
    report, failed, n = looking.demo(app, Path(wish.paths[0]) if wish.paths else None, lines)
    unread = f"{failed:,} couldn't be read" if failed else "all could be read"
    lines += [f"Looked at {many(n, 'file')}; {unread}. Nothing but the data folder was changed."]
    lines += [f"Open the report in a browser: {report}"]
    return Answer(lines, {"report": str(report), "files": n, "failed": failed}, SOME_FAILED if failed else DONE)


ENTRIES: Mapping[str, Operation] = {
    "setup": setup,
    "look": look,
    "try": try_it,
    "tag": tag,
    "new": new,
    "serve": serve,
    "undo": undo,
    "demo": demo,
}
