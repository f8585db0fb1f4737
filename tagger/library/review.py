"""Reviews: a person's yes or no to what the models said, for one, for many, for all of a tag; each can be taken back.

Every function is one transaction of the store and needs the standard library only, so that a page's light process can
call it. What an answer asks to be written waits in the outbox until a heavy process sends it (``takeback.send_all``).
``click`` names an act that may come more than once (``Answers.say``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tagger.answers import Answers, Question, Saying, Source, TagRule, Waiting
from tagger.errors import TaggerError
from tagger.figures import limit
from tagger.judgement.vocabulary import normal
from tagger.types import ItemRef

Place: TypeAlias = tuple[ItemRef, str]  # an item, and the name of a tag
_ALL = 1_000_000


def waiting(store: Answers, limit: int = 50, tag: str = "", feature: str = "", skip: int = 0) -> list[Waiting]:
    """What waits, the most useful first; of one tag or of one feature."""
    return store.review_queue(limit, tag, feature, skip)


def accept(store: Answers, places: Sequence[Place], source: Source = "review", click: str = "") -> int:
    """Yes: these tags belong there, and are written. The act's id. Raises TaggerError for an unknown item."""
    return _say(store, places, True, source, click)


def reject(store: Answers, places: Sequence[Place], source: Source = "review", click: str = "") -> int:
    """No: they aren't there; ours are taken back. Somebody's own are left alone. Raises TaggerError."""
    return _say(store, places, False, source, click)


def accept_all(store: Answers, tag: str = "", feature: str = "") -> int:
    """Yes to all that waits (of one tag, of one feature). Raises TaggerError when nothing does."""
    return _say_all(store, True, tag, feature)


def reject_all(store: Answers, tag: str = "", feature: str = "") -> int:
    """No to all that waits (of one tag, of one feature). Raises TaggerError when nothing does."""
    return _say_all(store, False, tag, feature)


def places_of(store: Answers, tag: str = "", feature: str = "") -> list[Place]:
    """All that waits (of one tag, of one feature). Raises TaggerError when nothing does."""
    return [(one.ref, one.decision.tag) for one in _all(store, tag, feature)]


def instead(store: Answers, places: Sequence[Place], other: str, click: str = "") -> int:
    """It is ``other`` instead: one no and one yes for each. Raises TaggerError."""
    sayings = []
    for ref, tag in places:
        if normal(tag) == normal(other):
            raise TaggerError(f"“{other}” is the same tag: name the one that it is instead.")
        yes = Saying(_question(store, ref, other), "yes", "missed")
        sayings += [Saying(_question(store, ref, tag), "no", "instead"), yes]
    return store.say(f"{_where(places)}: {other} instead", sayings, click=click)


def add(store: Answers, places: Sequence[Place], files: Mapping[ItemRef, str] | None = None, click: str = "") -> int:
    """They were missed. ``files`` are fingerprints, for items that were never looked at. Raises TaggerError."""
    sayings = []
    for ref, tag in places:
        if not tag.strip():
            raise TaggerError("A tag needs a name.")
        fingerprint = (files or {}).get(ref, "")
        question = store.question(ref, tag) or (Question(ref, fingerprint, tag) if fingerprint else None)
        if question is None:
            raise _unknown(ref)
        sayings.append(Saying(question, "yes", "missed"))
    return store.say(f"added {_where(places)}", sayings, click=click)


def never_here(store: Answers, places: Sequence[Place], click: str = "") -> int:
    """These tags never belong on these items, whatever file they have one day. Raises TaggerError."""
    questions = [_question(store, ref, tag) for ref, tag in places]
    sayings = [
        Saying(Question(q.ref, "", q.tag_name, q.feature, q.subject, q.probability, q.target), "no", "never here")
        for q in questions
    ]
    return store.say(f"never {_where(places)}", sayings, click=click)


def never(store: Answers, tag: str, click: str = "") -> int:
    """This tag is written nowhere any more, and doesn't wait anywhere. What is ours goes with "Decide again"."""
    return store.say(f"never {tag}", (), [TagRule(tag, "never", why="You said: never.")], click=click)


def always(store: Answers, tag: str, apply: float) -> int:
    """From now on this tag is applied at ``apply`` (0..1) and above. Raises TaggerError."""
    if not 0.0 < apply <= 1.0:
        raise TaggerError(f"{apply} isn't a probability: give one above 0 and at most 1, such as 0.85.")
    why = f"You said: always at {limit(apply)} and above."
    return store.say(f"always {tag} at {limit(apply)} and above", (), [TagRule(tag, "always", apply, why=why)])


def undo(store: Answers, act: int) -> None:
    """Take one act back with all that followed from it. Raises TaggerError."""
    if not store.withdraw(act):
        raise TaggerError(f"There is no answer {act} that stands: 'review acts' lists them.")


def audit(store: Answers, ref: ItemRef, tag: str, right: bool, click: str = "") -> int:
    """An applied tag that was drawn at random was looked at. Raises TaggerError."""
    place = [(ref, tag)]
    return accept(store, place, "audit", click) if right else reject(store, place, "audit", click)


# ---------------------------------------------------------------- the parts


def _say(store: Answers, places: Sequence[Place], yes: bool, source: Source, click: str) -> int:
    if not places:
        raise TaggerError("Say what the answer is about: an item and a tag.")
    sayings = [Saying(_question(store, ref, tag), "yes" if yes else "no", source) for ref, tag in places]
    return store.say(f"{'accepted' if yes else 'rejected'} {_where(places)}", sayings, click=click)


def _say_all(store: Answers, yes: bool, tag: str, feature: str) -> int:
    found = _all(store, tag, feature)
    sayings = [Saying(one.question, "yes" if yes else "no") for one in found]
    what = tag or feature or "that waited"
    return store.say(f"{'accepted' if yes else 'rejected'} all {len(found):,} {what}", sayings)


def _all(store: Answers, tag: str, feature: str) -> list[Waiting]:
    found = store.review_queue(_ALL, tag, feature)
    if not found:
        of = f" of “{tag or feature}”" if tag or feature else ""
        raise TaggerError(f"Nothing{of} waits for your look: 'review' lists what does.")
    return found


def _question(store: Answers, ref: ItemRef, tag: str) -> Question:
    question = store.question(ref, tag)
    if question is None:
        raise _unknown(ref)
    return question


def _unknown(ref: ItemRef) -> TaggerError:
    return TaggerError(f"{ref.kind} {ref.id} was never looked at: run 'Tag library' first, or name another item.")


def _where(places: Sequence[Place]) -> str:
    (ref, tag), more = places[0], len(places) - 1
    return f"{tag} on {ref.kind} {ref.id}" + (f" and {more:,} more" if more else "")
