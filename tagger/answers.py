"""What persons say of tags: the values, and the seam to where they are kept. Standard library only.

A *question* is whether one tag belongs on one item with one file. An *answer* is a person's yes or no, given in a
review, in an audit, or by what they did in the library. An *act* is one thing that a person did, with any number of
answers and rules, and can be taken back as a whole. Answers are kept for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

from tagger.types import Change, Decision, ItemKind, ItemRef, PlannedChange, Tag, Target

Say: TypeAlias = Literal["yes", "no"]
Source: TypeAlias = Literal["review", "audit", "missed", "instead", "never here", "library"]
RuleKind: TypeAlias = Literal["never", "always", "promise"]

PEOPLE = "people"  # the feature whose predictions name performers


def target_of(feature: str) -> Target:
    """What a prediction of this feature is written as."""
    return "performer" if feature == PEOPLE else "tag"


LOOKED_AT: tuple[Source, ...] = ("review", "audit", "instead", "library")  # answers to something that a model said


@dataclass(frozen=True, slots=True)
class Question:
    """Does this tag belong here? ``fingerprint`` "" means: whatever file the item has.

    ``feature``, ``subject`` and ``probability`` are what the models said, empty where they said nothing.
    """

    ref: ItemRef
    fingerprint: str
    tag_name: str
    feature: str = ""
    subject: str = ""
    probability: float = 0.0
    target: Target = "tag"


@dataclass(frozen=True, slots=True)
class Saying:
    """One answer that is about to be given."""

    question: Question
    say: Say
    source: Source = "review"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that stands."""

    id: int
    act: int
    question: Question
    say: Say
    source: Source
    answered_at: str


@dataclass(frozen=True, slots=True)
class TagRule:
    """What holds for a tag everywhere: never; always from ``apply`` on; or from where a promise is kept."""

    tag_name: str
    kind: RuleKind
    apply: float = 0.0
    feature: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a person did. ``undone_at`` is "" while it stands."""

    id: int
    what: str
    done_at: str
    undone_at: str
    answers: int
    rules: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """One decision that waits for a person; the higher ``useful``, the more an answer tells."""

    ref: ItemRef
    fingerprint: str
    place: int
    decision: Decision
    useful: float

    @property
    def question(self) -> Question:
        said = self.decision.prediction
        tag, target = self.decision.tag, target_of(said.feature)
        return Question(self.ref, self.fingerprint, tag, said.feature, said.subject, said.probability, target)


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which of those that wait. Empty means any; ``least`` and ``most`` are probabilities; ``first`` are the ids from
    which on scenes, images and galleries count (0: all)."""

    kind: str = ""
    model: str = ""
    least: float = 0.0
    most: float = 1.0
    first: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Audit:
    """One applied tag that was drawn at random to be looked at."""

    change: Change
    tag: str  # as the decision has it; the library may know it under another name
    feature: str
    subject: str

    @property
    def question(self) -> Question:
        plan = self.change.plan
        said = (self.tag or plan.tag_name, self.feature, self.subject, plan.probability)
        return Question(plan.ref, plan.fingerprint, *said, plan.target)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the tags that are ours. Empty means "no limit"; times are ISO-8601 UTC, ``until_at`` is not included."""

    run_id: int | None = None
    tag: str = ""
    model: str = ""
    ref: ItemRef | None = None
    since_at: str = ""
    until_at: str = ""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Of some items: how many tags of ours were ``checked``, how many are ``missed`` for the first time, and which tag
    ids each item got since it was settled last (of those that were, and only where there are any)."""

    checked: int = 0
    missed: int = 0
    added: dict[ItemRef, frozenset[str]] = field(default_factory=dict)


class TagMove(NamedTuple):
    """A tag of the library that has another name or id now."""

    old_id: str
    new_id: str
    old_name: str
    new_name: str


class Answers(Protocol):
    """Where answers are kept, and what follows from them. Every method is one committed transaction."""

    # -- the queue for review
    def review_queue(
        self, limit: int, tag: str = "", feature: str = "", skip: int = 0, only: Narrow | None = None
    ) -> list[Waiting]:
        """What waits, the most useful first."""
        ...

    def question(self, ref: ItemRef, tag: str) -> Question | None:
        """What the models said of this tag on this item; None when the item isn't on record."""
        ...

    def unhashed(self, limit: int) -> list[str]:
        """Fingerprints of files with something to review whose look hasn't been hashed."""
        ...

    def put_hashes(self, hashes: Iterable[tuple[str, int]]) -> None:
        """How these files look: equal numbers look alike."""
        ...

    def reorder(self) -> None:
        """Put the whole queue in order again."""
        ...

    # -- answers
    def say(
        self,
        what: str,
        sayings: Sequence[Saying],
        rules: Sequence[TagRule] = (),
        *,
        follow: bool = True,
        click: str = "",
    ) -> int:
        """One act: the answers stand, the queue loses what they answer, and (unless ``follow`` is False) what follows
        joins the outbox: a tag that was accepted is added, one of ours that was rejected is taken back. Its id.

        ``click`` names it, if it may come more than once: then nothing is done but the first time."""
        ...

    def withdraw(self, act: int) -> bool:
        """Take an act back with all that followed; whether there was one that stood."""
        ...

    def withdraw_click(self, click: str) -> None:
        """Take the act of this name back, if it stands; if it is still to come, it won't do anything."""
        ...

    def acts(self, limit: int = 20) -> list[Act]:
        """The newest first."""
        ...

    def answers(self, feature: str = "", tag: str = "") -> list[Answer]:
        """Those that stand, in the order they were given."""
        ...

    def looked_at(self) -> list[tuple[str, str, float, bool]]:
        """``(feature, tag, probability, right)`` of each answer that stands and is a look at what a model said, in the
        order they were given. What was added by hand is none: only yes can be said so."""
        ...

    def rules(self) -> list[TagRule]:
        """Those that stand: the newest of each kind for a tag."""
        ...

    def tags_decided(self) -> list[tuple[str, str]]:
        """``(feature, tag)`` of all that was ever decided to be applied or asked about, and stands."""
        ...

    # -- audits
    def draw_audits(self, n: int, tag: str = "", feature: str = "") -> int:
        """See to it that ``n`` applied tags (of this tag or feature) are drawn and not answered; how many there are."""
        ...

    def audits(self, limit: int, tag: str = "") -> list[Audit]:
        """Those drawn and not answered."""
        ...

    # -- what is ours
    def ours(self, selection: Selection, after: int = 0, limit: int = 1000) -> list[Change]:
        """Tags that we wrote and are still ours, in the order they were planned."""
        ...

    def take_back(self, run_id: int, change_ids: Sequence[int], rule: str, why: str) -> int:
        """Plan the removal of these; their items are decided again by the next run. How many were planned."""
        ...

    def adopt(self, run_id: int, plans: Sequence[PlannedChange]) -> int:
        """These are on their items, written by us before this store knew: they are ours now. How many are new."""
        ...

    def forget_ours(self, change_ids: Sequence[int], reason: str) -> None:
        """They are not there any more and not ours, without anybody's no."""
        ...

    # -- what people do in the library
    def notice(self, run_id: int, items: Sequence[tuple[ItemRef, str, frozenset[str]]]) -> Noticed:
        """Compare items (ref, fingerprint, tag ids now) with what we wrote and saw on them; nothing is learned yet."""
        ...

    def missed(self, limit: int = 1_000_000) -> list[Change]:
        """Tags of ours that were missed on their items, and of which nobody knows yet why."""
        ...

    def not_missed(self, change_ids: Sequence[int]) -> None:
        """Those of the missed tags that are on their items after all."""
        ...

    def learn_missed(self) -> int:
        """A person took them away: they are gone for ever, and count as rejections. How many."""
        ...

    def forgive_missed(self, reason: str) -> int:
        """They got lost: nothing is learned, the next run may write them again. How many."""
        ...

    def known_tags(self) -> dict[str, str]:
        """The library's tags as they were noted last: id → name."""
        ...

    def follow_tags(self, moves: Sequence[TagMove], tags: Sequence[Tag]) -> None:
        """Tags were renamed, or merged into others: what is ours and what was said of them follows, all at once; then
        the library's tags are noted, in place of those noted before."""
        ...


__all__ = [
    "LOOKED_AT",
    "Act",
    "Answer",
    "Answers",
    "Audit",
    "ItemKind",
    "Narrow",
    "Noticed",
    "Question",
    "RuleKind",
    "Say",
    "Saying",
    "Selection",
    "Source",
    "TagMove",
    "TagRule",
    "Waiting",
]
