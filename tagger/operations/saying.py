"""The operations about what persons say and did: review, audit, happened, promise, tidy, and undoing by anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict

from tagger.answers import Question, Selection
from tagger.app import App
from tagger.errors import TaggerError
from tagger.figures import limit, percent
from tagger.judgement.vocabulary import normal
from tagger.library import learn, promise, review, tidy
from tagger.library.find import Order
from tagger.library.housekeeping import backup_once
from tagger.library.order import AUDITS_READY
from tagger.library.people.census import follow_reviews
from tagger.library.progress import many, most
from tagger.library.takeback import TakenBack, parse_ref, send_all, undo_everything, undo_selection
from tagger.operations import measuring
from tagger.operations.operation import Answer, Operation, Wish, as_worker
from tagger.policy import doubt
from tagger.types import Decision, ItemRef

_Act = Callable[[App, Wish], Answer]


def reviewing(app: App, wish: Wish) -> Answer:
    """list; accept, reject, never-here ITEM TAG…; instead ITEM… TAG OTHER; add ITEM… TAG; never TAG; always TAG 0.85;
    undo N; acts."""
    return REVIEW_ACTIONS[wish.action](app, wish)


def _list(app: App, wish: Wish) -> Answer:
    waits = review.waiting(app.store, wish.limit, wish.tag, wish.feature)
    lines = [f"{one.ref.kind}:{one.ref.id}  {one.decision.tag}  {_how_sure(one.decision)}" for one in waits]
    total = app.store.tally("review")
    count = total.get(wish.tag, 0) if wish.tag else sum(total.values())
    if wish.feature:  # What waits is counted by tag.
        count = len(waits)
    of = f" of {wish.tag or wish.feature}" if wish.tag or wish.feature else ""
    more = " These are the first: --limit shows more." if len(waits) == wish.limit else ""
    verb = "waits" if count == 1 else "wait"
    lines.append(f"{many(count, 'tag')}{of} {verb} for your look.{more}" if count else f"Nothing{of} waits for a look.")
    lines += learn.question_lines(app.store)
    data = {"waiting": count, "tags": total, "items": [_row(one.question) for one in waits]}
    return Answer(lines, data)


def _how_sure(decision: Decision) -> str:
    sure, why = percent(decision.prediction.probability), decision.why
    return why if why.startswith(sure) else f"{sure}  {why}"


def _row(question: Question) -> dict[str, object]:
    said = asdict(question)
    return {**said, "ref": f"{question.ref.kind}:{question.ref.id}"}


def _accept(app: App, wish: Wish) -> Answer:
    if wish.all:
        return _sent(app, review.accept_all(app.store, wish.tag, wish.feature))
    return _sent(app, review.accept(app.store, _places(wish)), more=_doubts(app, wish.names[1:]))


def _reject(app: App, wish: Wish) -> Answer:
    if wish.all:
        return _sent(app, review.reject_all(app.store, wish.tag, wish.feature))
    return _sent(app, review.reject(app.store, _places(wish)), more=_doubts(app, wish.names[1:]))


def _doubts(app: App, tags: Iterable[str]) -> list[str]:
    """Of names that nothing answers to, since it may be a slip."""
    known = app.known_names | {normal(tag) for _, tag in app.store.tags_decided()}
    return [f"Careful: {said}" for tag in tags if (said := doubt(tag, known))]


def _never_here(app: App, wish: Wish) -> Answer:
    if wish.all:
        return _sent(app, review.never_here(app.store, review.places_of(app.store, wish.tag, wish.feature)))
    return _sent(app, review.never_here(app.store, _places(wish)), more=_doubts(app, wish.names[1:]))


def _instead(app: App, wish: Wish) -> Answer:
    if wish.all:
        if not wish.tag:
            raise TaggerError("Instead of what? Say the wrong tag as --tag.")
        (other,) = _names(wish, 1, "the right tag, and the wrong one as --tag")
        return _sent(app, review.instead(app.store, review.places_of(app.store, wish.tag, wish.feature), other))
    if len(wish.names) < 3:
        raise TaggerError("'instead' needs items, the wrong tag and the right one.")
    *items, tag, other = wish.names
    return _sent(app, review.instead(app.store, [(parse_ref(item), tag) for item in items], other))


def _add(app: App, wish: Wish) -> Answer:
    if len(wish.names) < 2:
        raise TaggerError("'add' needs items and a tag.")
    *items, tag = wish.names
    refs = [parse_ref(item) for item in items]
    return _sent(app, review.add(app.store, [(ref, tag) for ref in refs], {ref: _item(app, ref) for ref in refs}))


def _item(app: App, ref: ItemRef) -> str:
    found = app.library.get([ref])
    if not found:
        raise TaggerError(f"The library has no {ref.kind} {ref.id}.")
    return found[0].fingerprint


def _never(app: App, wish: Wish) -> Answer:
    (tag,) = _names(wish, 1, "a tag")
    act = review.never(app.store, tag)
    return Answer([f"“{tag}” is written nowhere any more (answer {act}).", _AGAIN, *_doubts(app, [tag])], {"act": act})


def _always(app: App, wish: Wish) -> Answer:
    tag, apply = _names(wish, 2, "a tag and a probability")
    try:
        act = review.always(app.store, tag, float(apply))
    except ValueError:
        raise TaggerError(f"{apply} isn't a number: say for example 'review always Dog 0.85'.") from None
    return Answer(
        [f"“{tag}” is applied from {limit(float(apply))} on (answer {act}).", _AGAIN, *_doubts(app, [tag])],
        {"act": act},
    )


def _undo(app: App, wish: Wish) -> Answer:
    (act,) = _names(wish, 1, "the number of an answer")
    if not act.isdigit():
        raise TaggerError(f"{act} is no number of an answer: 'review acts' lists them.")
    rules = app.store.rules()
    review.undo(app.store, int(act))
    return _sent(app, int(act), "Took back", [_AGAIN] if app.store.rules() != rules else [])


def _acts(app: App, wish: Wish) -> Answer:
    acts = app.store.acts(wish.limit)
    lines = [f"{act.id}: {act.done_at} {act.what}{' (taken back)' if act.undone_at else ''}" for act in acts]
    return Answer(lines or ["Nothing was answered yet."], {"acts": [asdict(act) for act in acts]})


def _places(wish: Wish) -> list[review.Place]:
    if len(wish.names) < 2:
        raise TaggerError("Name an item and its tags, such as 'review accept image:12 Dog', or say --all with --tag.")
    return [(parse_ref(wish.names[0]), tag) for tag in wish.names[1:]]


def _names(wish: Wish, count: int, what: str) -> tuple[str, ...]:
    if len(wish.names) != count:
        raise TaggerError(f"'{wish.action}' needs {what}.")
    return wish.names


_AGAIN = "'Decide again' makes the library follow."


def _sent(app: App, act: int, verb: str = "Kept", more: Sequence[str] = ()) -> Answer:
    """What the answer asks for is written at once, or by the run that is at work."""
    with as_worker(app, "review"):
        tools, order = app.tools(looking=False, judging=True), Order(backup=app.backs_up)
        added, removed = send_all(tools, lambda: backup_once(tools, order))
        follow_reviews(tools)
    lines = [f"{verb} answer {act}: {many(added, 'tag')} added, {removed.total():,} taken back.", *more]
    return Answer(lines, {"act": act, "added": added, "removed": removed.total()})


REVIEW_ACTIONS: Mapping[str, _Act] = {
    "list": _list,
    "accept": _accept,
    "reject": _reject,
    "instead": _instead,
    "add": _add,
    "never-here": _never_here,
    "never": _never,
    "always": _always,
    "undo": _undo,
    "acts": _acts,
}


def audit(app: App, wish: Wish) -> Answer:
    """list: applied tags drawn at random; right, wrong ITEM TAG: what a look at one said."""
    if wish.action in ("right", "wrong"):
        ((ref, tag),) = _places(wish)[:1]
        return _sent(app, review.audit(app.store, ref, tag, wish.action == "right"))
    app.store.draw_audits(max(AUDITS_READY, wish.limit), wish.tag, wish.feature)
    drawn = app.store.audits(wish.limit, wish.tag)
    lines = [f"{a.question.ref.kind}:{a.question.ref.id}  {a.question.tag_name}" for a in drawn]
    lines.append("Say 'audit right ITEM TAG' or 'audit wrong ITEM TAG'." if drawn else "Nothing is left to be drawn.")
    return Answer(lines, {"audits": [_row(a.question) for a in drawn]})


def happened(app: App, wish: Wish) -> Answer:
    """removed: you took our missing tags away; lost: they got lost, and the next run writes them again."""
    if wish.action == "list":
        question = learn.open_question(app.store)
        lines = learn.question_lines(app.store) or ["Nothing is open: no tags of ours went missing in numbers."]
        return Answer(lines, {"question": question})
    count = learn.happened(app.store, app.library, wish.action)
    verb = "stay away" if wish.action == "removed" else "are written again by the next run"
    return Answer([f"{count:,} tags {verb}."], {"tags": count})


def promising(app: App, wish: Wish) -> Answer:
    """What can be promised of each tag, from audits and reviews; sets thresholds when config.yml says promise."""
    wanted = app.config.promise or promise.USUAL
    found = promise.find_promises(app.store, app.policy, wanted, measuring.complete_looks(app))
    lines = [one.sentence() + "." for one in found] or ["Nothing was looked at yet: 'audit' draws what to look at."]
    act = 0
    if app.config.promise and not wish.dry_run:
        act = promise.keep_promises(app.store, found)
        lines.append(f"Thresholds follow (answer {act}). {_AGAIN}" if act else "The thresholds stay as they are.")
    elif not app.config.promise:
        lines.append("Nothing follows from it yet: set promise (such as 0.95) in config.yml.")
    data = [{**asdict(one), "sentence": one.sentence()} for one in found]
    return Answer(lines, {"promise": wanted, "act": act, "tags": data})


def tidying(app: App, wish: Wish) -> Answer:
    """A look at the library's tags."""
    del wish
    found = tidy.look_at_tags(app.library, app.store, app.config.tags.synonyms)
    return Answer(found.lines(), asdict(found))


# ---------------------------------------------------------------- taking back


def chosen(wish: Wish) -> Selection:
    """What of ours the options name."""
    ref = parse_ref(wish.item) if wish.item else None
    return Selection(wish.run, wish.tag, wish.model, ref, wish.since, wish.until)


def undo_chosen(app: App, wish: Wish) -> Answer:
    """Undo by tag, model, item, time span, or everything."""
    with as_worker(app, "undo"):
        if wish.everything:
            return take_everything_back(app, wish.dry_run)
        taken = undo_selection(app.tools(looking=False), chosen(wish), wish.dry_run)
    return Answer(_taken_lines(taken, wish.dry_run), asdict(taken))


def take_everything_back(app: App, dry_run: bool) -> Answer:
    """All that is ours, by whoever is the worker already."""
    taken = undo_everything(app.tools(looking=False), dry_run)
    return Answer(_taken_lines(taken, dry_run), asdict(taken))


def _taken_lines(taken: TakenBack, dry_run: bool) -> list[str]:
    top = most(taken.by_tag)
    lines = [f"{'Would take' if dry_run else 'Took'} back {many(taken.removed, 'tag')}{': ' + top if top else ''}."]
    lines += [f"Left alone: {n:,}, since {reason}." for reason, n in taken.left.items()]
    if taken.deleted:
        lines.append(f"Deleted tags that we had made and nothing uses: {', '.join(taken.deleted)}.")
    return lines


ENTRIES: Mapping[str, Operation] = {
    "review": reviewing,
    "audit": audit,
    "happened": happened,
    "promise": promising,
    "tidy": tidying,
}
