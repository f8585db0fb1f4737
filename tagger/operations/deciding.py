"""The operations about decisions themselves: decide again, and why."""

from __future__ import annotations

from collections.abc import Mapping

from tagger.app import App
from tagger.errors import TaggerError
from tagger.figures import percent
from tagger.judgement.vocabulary import TagIndex
from tagger.library.again import Again, decide_again
from tagger.library.following import under_old_names
from tagger.library.progress import many, words
from tagger.library.takeback import parse_ref
from tagger.library.why import why_lines, why_of
from tagger.operations import looking
from tagger.operations.operation import COULD_NOT_RUN, DONE, Answer, Operation, Wish, as_worker
from tagger.policy import tree_of

_SHOWN = 40


def again(app: App, wish: Wish) -> Answer:
    """New settings meet everything that is stored: nothing is looked at."""
    with as_worker(app, "again"):
        app.be_modest()
        for doubt in app.doubts:
            app.progress.warn(doubt)
        tools = app.tools(looking=False, judging=True)
        scope = app.config.scope.to_scope()
        done = decide_again(tools, scope, dry_run=wish.dry_run, yes=wish.yes, backup=app.backs_up)
    lines = _again_lines(done, wish)
    report = None if wish.dry_run or done.asks else looking.follow_reports(app, lines)
    if report is not None:
        lines.append(f"Report: {report}")
    data = {
        "run": done.run_id,
        "items": done.items,
        "predictions": done.predictions,
        "changed": done.changed,
        "ours": done.ours,
        "asks": done.asks,
        "seconds": round(done.seconds, 2),
        "added": done.added,
        "removed": done.removed,
        "tags": {name: {"added": t.added, "removed": t.removed, "left": t.left} for name, t in done.by_tag.items()},
    }
    if done.asks and app.is_plugin:
        app.progress.warn(lines.pop(0))  # Among a log's many lines it has to be seen.
    return Answer(lines, data, COULD_NOT_RUN if done.asks else DONE)


def _again_lines(done: Again, wish: Wish) -> list[str]:
    share = done.removed / done.ours if done.ours else 0.0
    head = f"{done.predictions:,} predictions on {done.items:,} items were decided again in {words(done.seconds)}"
    if done.asks:
        lines = [
            f"Nothing was changed yet: {done.removed:,} of {done.ours:,} tags that are ours ({percent(share)}) would "
            "be taken back, which is much. If that is right, run 'Decide again' once more (in a terminal: again --yes)."
        ]
    elif wish.dry_run:
        lines = [f"{head}; nothing was written. Would add {many(done.added, 'tag')} and take back {done.removed:,}:"]
    else:
        lines = [f"{head}. Added {many(done.added, 'tag')}, took back {done.removed:,}."]
    rows = list(done.by_tag.items())
    lines += [f"  {name}: +{t.added:,} −{t.removed:,}, {t.left:,} stay" for name, t in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        lines.append(f"  and {len(rows) - _SHOWN:,} tags more.")
    return lines


def why(app: App, wish: Wish) -> Answer:
    """For a tag on an item: the sentence and the numbers."""
    if not wish.item or not wish.tag:
        raise TaggerError("Why what? Say --item and --tag, such as: why --item image:123 --tag Dog.")
    ref = parse_ref(wish.item)
    tags = under_old_names(app.store, app.library.tags())
    index = TagIndex(tags, tree_of(app.config, app.policy.names).others)
    item = next(iter(app.library.get([ref])), None)
    if item is None and app.store.known_item(ref) is None:
        raise TaggerError(f"The library has no {ref.kind} {ref.id}.")
    found = why_of(app.store, app.policy, ref, wish.tag, app.loaded.origins, index, item)
    return Answer(why_lines(found), found)


ENTRIES: Mapping[str, Operation] = {
    "again": again,
    "why": why,
}
