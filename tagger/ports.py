"""The seams of the program, as Protocols. Use cases see these, never an adapter; ``app`` passes adapters in.

Each seam has a contract suite in ``tests/contracts`` that runs over every implementation, and a small fake that ships
beside the adapter it stands in for. Errors that cross a seam are the ones of :mod:`tagger.errors`; foreign ones are
translated by the adapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from tagger.answers import Answers
from tagger.types import (
    Action,
    Change,
    ChangeState,
    Decision,
    Failure,
    Finding,
    Frame,
    ItemKind,
    ItemRef,
    Look,
    MediaItem,
    Performer,
    PlannedChange,
    Row,
    Run,
    RunState,
    Scope,
    Sighting,
    Tag,
    Target,
    Thumb,
    Verdict,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Tensor: TypeAlias = npt.NDArray[np.generic]


class Engine(Protocol):
    """Tensors → tensors. One loaded model; safe to call from several threads."""

    def infer(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """All outputs by name. Raises EngineError when the backend fails (a lost GPU, out of memory)."""
        ...


class Recognizer(Protocol):
    """Frames → findings: one model (or one built-in rule), with its pre- and post-processing."""

    @property
    def model(self) -> str:
        """``"name@revision"``."""
        ...

    @property
    def feature(self) -> str:
        """What it is about: ``objects``, ``scenes``, ``themes``, ``day_night`` …"""
        ...

    @property
    def looks_at(self) -> str:
        """``"frame"``; ``"thumbnail"``, a frame whose long side is at most 512 pixels, for what needs no more; or the
        label whose boxes (found by another model) it is shown as cropped frames."""
        ...

    @property
    def batch(self) -> int:
        """How many frames a call is best given (1 when the model takes one at a time)."""
        ...

    def recognise(self, frames: Sequence[Frame]) -> list[tuple[Finding, ...]]:
        """One tuple of findings for each frame, best score first; raw scores, from .05 up."""
        ...


@dataclass(frozen=True, slots=True)
class FrameChunk:
    """Some frames of one item, in time order. The last chunk of an item has ``last``; ``error`` only there.

    Chunks of different items may be interleaved. ``duration_s`` is the decoder's, which may know better.
    """

    item: MediaItem
    frames: tuple[Frame, ...]
    last: bool
    error: str | None = None
    duration_s: float = 0.0


class Media(Protocol):
    """Items → pixels, in processes that can be lost."""

    def sample(self, items: Iterable[MediaItem]) -> Iterator[FrameChunk]:
        """Evenly spread, upright frames of each item; bounded look-ahead; closing the generator stops all.

        An item that can't be decoded ends with ``error``; MediaGoneError (no such drive or server) is raised.
        """
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a bulk write did: ``done`` have the change now, ``missing`` don't exist, ``refused`` with the reason."""

    done: tuple[str, ...]
    missing: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


class Library(Protocol):
    """Where the items and tags live: Stash, or a plain folder."""

    @property
    def key(self) -> str:
        """Identifies this library in the store for ever (``"stash:…"``, ``"folder:…"``)."""
        ...

    @property
    def name(self) -> str:
        """For a person."""
        ...

    def count(self, kind: ItemKind, scope: Scope) -> int:
        """How many items of this kind are in scope (``scope.kinds`` is not consulted)."""
        ...

    def page(self, kind: ItemKind, scope: Scope, after_id: str, limit: int) -> list[MediaItem]:
        """The next items in scope by ascending id after ``after_id`` ("" = from the start); empty at the end."""
        ...

    def changed(self, kind: ItemKind, since_at: str, after_id: str, limit: int) -> list[MediaItem]:
        """Like page: items created, or whose files changed, at or after ``since_at``."""
        ...

    def spread(self, kind: ItemKind, scope: Scope, n: int) -> list[MediaItem]:
        """At most ``n`` items, evenly spread over those in scope."""
        ...

    def get(self, refs: Sequence[ItemRef]) -> list[MediaItem]:
        """Those of the items that exist, any order."""
        ...

    def which(self, refs: Sequence[ItemRef], scope: Scope) -> list[MediaItem]:
        """Those of the items that are in scope exactly as :meth:`page` has it, and of ``scope.kinds``; any order."""
        ...

    def ids(self, kind: ItemKind, after_id: str, limit: int) -> list[str]:
        """The ids of the next items, in scope or not, by ascending id after ``after_id``; empty at the end. Cheap."""
        ...

    def members(self, gallery_id: str) -> list[str]:
        """Ids of a gallery's images."""
        ...

    def tags(self) -> list[Tag]:
        """All tags."""
        ...

    def create_tag(self, name: str, parent_id: str = "", description: str = "") -> Tag:
        """A new tag (``ignore_auto_tag`` in Stash). Raises LibraryRefusedError when the name is taken."""
        ...

    def delete_unused_tag(self, tag_id: str) -> bool:
        """Delete the tag if nothing at all uses it; whether it was deleted."""
        ...

    def add_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        """Add these tags to these items; never removes one. Bisects a refused bulk write."""
        ...

    def remove_tags(self, kind: ItemKind, ids: Sequence[str], tag_ids: Sequence[str]) -> Written:
        """Take these tags from these items; never adds one."""
        ...

    def performers(self) -> list[Performer]:
        """All performers."""
        ...

    def create_performer(self, name: str) -> Performer:
        """A new performer. Raises LibraryRefusedError when the name is taken."""
        ...

    def delete_unused_performer(self, performer_id: str) -> bool:
        """Delete the performer if no item has them and nobody filled anything in; whether they were deleted."""
        ...

    def add_performers(self, kind: ItemKind, ids: Sequence[str], performer_ids: Sequence[str]) -> Written:
        """Like :meth:`add_tags`."""
        ...

    def remove_performers(self, kind: ItemKind, ids: Sequence[str], performer_ids: Sequence[str]) -> Written:
        """Like :meth:`remove_tags`."""
        ...


class Host(Protocol):
    """What the program that runs us offers: Stash's queue, backup and settings; nothing in a terminal."""

    def others_waiting(self) -> bool:
        """Whether jobs of others wait behind ours."""
        ...

    def queue_again(self, args: Mapping[str, Any], description: str) -> None:
        """Put a job with these arguments at the end of the queue."""
        ...

    def backup(self) -> str:
        """Back the database up; where it went, for a person."""
        ...

    def settings(self) -> dict[str, Any]:
        """The plugin's settings as the host's page has them; unset ones are absent."""
        ...


class Progress(Protocol):
    """How a run speaks: lines a person can read, and a bar."""

    def say(self, text: str) -> None:
        """One line of information."""
        ...

    def warn(self, text: str) -> None:
        """One line that somebody should see."""
        ...

    def at(self, done: int, total: int) -> None:
        """Items done of all; total 0 = not known."""
        ...


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was decided for one item, and what is to be written for it.

    ``knowledge`` names what the predictions were made with (:attr:`tagger.library.judge.Judge.knowledge_id`); their
    ``numbers`` are then kept, so that other thresholds need no second aggregation. "": they are not.
    """

    item: MediaItem
    decisions: tuple[Decision, ...]
    plans: tuple[PlannedChange, ...]
    knowledge: str = ""
    numbers: tuple[Row, ...] = ()


class Record(NamedTuple):
    """One item as it was decided last, as far as deciding it again needs it.

    ``row`` identifies it in the store. ``models`` had looked when it was decided under ``policy``. ``rows`` are the
    numbers of all its predictions, None when they aren't kept (for this knowledge, and these models).
    ``verdicts`` are what is kept: ``(feature, subject, tag, verdict, place)``. ``ours`` is by tag id. ``special``: a
    person said or did something here, so that probabilities alone don't decide.
    """

    row: int
    ref: ItemRef
    fingerprint: str
    duration_s: float
    policy: str
    models: frozenset[str]
    rows: tuple[Row, ...] | None
    verdicts: Sequence[tuple[str, str, str, Verdict, int]]
    ours: Mapping[str, Mine]
    special: bool


class Rejudged(NamedTuple):
    """New verdicts for predictions that stay as they are: ``(place, former verdict, verdict, rule, why)``, and plans.

    One whose verdict isn't the former any more is left alone: a person was quicker. Before that, those in ``names``,
    ``(place, former verdict, tag)``, get another name; with it they are dropped, and a verdict may follow that.
    """

    row: int
    item: MediaItem | None
    verdicts: tuple[tuple[int, Verdict, Verdict, str, str], ...]
    plans: tuple[PlannedChange, ...]
    names: tuple[tuple[int, Verdict, str], ...] = ()


class Mine(NamedTuple):
    """One tag that is ours: what it is about, and the models that had looked at the file when it was planned."""

    tag_name: str
    feature: str = ""
    looked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows of one item before anything is done for it.

    ``seen``: models that have looked at this fingerprint. ``given_up``: failed twice with this fingerprint.
    ``decided``: the policy it was last decided under ("" = never), for this fingerprint and the ``seen`` of that time.
    ``ours``: tag ids that we wrote and are still ours. ``gone``: tag ids that we wrote and a person removed,
    or that are missed; ``gone_names`` are their normal names, since a restored library has other ids.
    ``refused`` and ``accepted``: what a person said of tags here (in reviews, or by what they did in the library), as
    :func:`tagger.judgement.vocabulary.normal` names: the one is never written, the other stays whatever the scores say.
    ``mine`` says more of ``ours``, by tag id. ``our_performers``, ``gone_performers`` and ``people_refused``
    are the same for performers.
    """

    seen: frozenset[str] = frozenset()
    given_up: bool = False
    failure: str = ""
    decided: str = ""
    ours: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    gone_names: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    mine: Mapping[str, Mine] = field(default_factory=dict)
    our_performers: frozenset[str] = frozenset()
    gone_performers: frozenset[str] = frozenset()
    people_refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One item that waits to be looked at; higher priority first (0 = new media, 100 = somebody is waiting)."""

    ref: ItemRef
    priority: int
    reason: str
    enqueued_at: str


class Store(Answers, Protocol):
    """Everything we remember about one library, in one SQLite file that several libraries may share.

    Every method is one committed transaction, and replaying any of them does no harm. Raises StoreError.
    """

    # -- runs
    def begin_run(self, operation: str, scope: Scope, resume: bool = True) -> Run:
        """The unfinished run of this operation and scope, else a new one."""
        ...

    def checkpoint(self, run_id: int, cursor: Mapping[str, str], counts: Mapping[str, int]) -> None:
        """Merge ``cursor`` into the run's; add ``counts`` to its totals."""
        ...

    def end_run(self, run_id: int, state: RunState, message: str = "") -> None: ...

    def runs(self, limit: int = 20) -> list[Run]:
        """The newest first."""
        ...

    def run(self, run_id: int) -> Run | None:
        """None when there is no such run."""
        ...

    def last_written(self) -> Run | None:
        """The newest that has anything to be undone, None when none has."""
        ...

    # -- looking
    def standing(self, items: Sequence[MediaItem]) -> dict[ItemRef, Standing]:
        """One for each item, in one query a table; an unknown item has an empty one."""
        ...

    def record(self, looks: Sequence[Look]) -> None:
        """Keep sightings, thumbnails and failures: "this model has seen this fingerprint"."""
        ...

    def sightings(self, fingerprints: Sequence[str], models: Sequence[str]) -> dict[str, list[Sighting]]:
        """Stored sightings of these models, by fingerprint."""
        ...

    def seen(self) -> dict[str, int]:
        """How many files each model has looked at."""
        ...

    def thumbs(self, fingerprint: str) -> list[Thumb]: ...

    # -- deciding and writing
    def settle(
        self,
        run_id: int,
        policy: str,
        settlements: Sequence[Settlement],
        cursor: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Verdicts replace the item's former ones; plans that are not already planned, done or gone join the outbox."""
        ...

    def decisions(self, refs: Sequence[ItemRef]) -> dict[ItemRef, list[Decision]]: ...

    def records(self, knowledge: str, after: int, limit: int) -> list[Record]:
        """Decided scenes and images with ``row > after``, by ascending row."""
        ...

    def records_of(self, knowledge: str, rows: Sequence[int]) -> list[Record]:
        """Those of these rows."""
        ...

    def decisions_at(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Decision]:
        """The decisions at these ``(row, place)``, as records have them; what isn't there any more is left out."""
        ...

    def ours_in_galleries(self) -> dict[str, int]:
        """How many galleries have each tag from us."""
        ...

    def rejudge(self, run_id: int, policy: str, rejudged: Sequence[Rejudged]) -> None:
        """Other verdicts for the same predictions; plans join the outbox as in :meth:`settle`."""
        ...

    def restamp(self, policy: str, rows: Sequence[int]) -> None:
        """These were decided again under this policy, and nothing changed."""
        ...

    def restore(self, run_id: int) -> int:
        """What this run took back of what others had added is planned again, as those changes; how many. What it had
        added itself is not: that item was without the tag before."""
        ...

    def restorable(self, run_id: int) -> int:
        """How many tags :meth:`restore` would plan again."""
        ...

    def forget_answers(self, run_id: int) -> int:
        """Answers that wrote in this run, which was undone, never were, and others stand again; how many."""
        ...

    def numbers(self, ref: ItemRef) -> tuple[Row, ...]:
        """Of all predictions of a scene or image, those that were dropped too; () where none are kept."""
        ...

    def history(self, ref: ItemRef) -> list[Change]:
        """Everything that we ever planned for an item, removals too, oldest first."""
        ...

    def pending(self, limit: int, action: Action = "add") -> list[Change]:
        """Additions (or removals) planned or sending, oldest first."""
        ...

    def mark(self, change_ids: Sequence[int], state: ChangeState, reason: str = "", tag_id: str = "") -> None:
        """Move changes to ``state``; ``tag_id`` fills a tag that had to be created."""
        ...

    def changes(
        self, run_id: int, state: ChangeState, after: int = 0, limit: int = 1000, action: Action = "add"
    ) -> list[Change]:
        """A run's additions (or removals) in this state with ``id > after``, in id order."""
        ...

    def count_changes(self, run_id: int) -> dict[tuple[ChangeState, Action, Target], int]:
        """How many changes of a run there are, of those that there are any of."""
        ...

    def written_in(self, run_id: int) -> dict[tuple[Action, str], int]:
        """How many tags of each name a run added to items (and are there still, or were before a person, or an undo of
        this run, took them) and took back."""
        ...

    def reopen(self, refs: Sequence[ItemRef]) -> None:
        """Forget under which policy these were decided, so that the next run decides them again: one that was
        unfinished begins at the beginning."""
        ...

    def note_created_tag(self, run_id: int, tag: Tag) -> None: ...

    def created_tags(self, run_id: int | None = None, or_undone: bool = False) -> list[Tag]:
        """Tags that we made (ever; or in this run, ``or_undone``: or in one that was undone) and have not deleted."""
        ...

    def note_deleted_tag(self, tag_id: str) -> None: ...

    # -- waiting and forgetting
    def enqueue(self, refs: Iterable[ItemRef], priority: int, reason: str) -> int:
        """How many were not waiting yet; a higher priority wins."""
        ...

    def waiting(self, limit: int, least_priority: int = 0) -> list[QueueEntry]: ...

    def dequeue(self, refs: Iterable[ItemRef]) -> None: ...

    def failures(self, limit: int = 1000) -> list[Failure]: ...

    def known(self, kind: ItemKind, after_id: str, limit: int) -> list[ItemRef]:
        """Items on record by ascending id."""
        ...

    def forget(self, refs: Sequence[ItemRef]) -> None:
        """Gone from the library: decisions, queue entries and changes go; sightings that no item has, too."""
        ...

    # -- small facts
    def fact(self, name: str) -> str:
        """A remembered value ("" when absent): watermarks, "backup made", last policy …"""
        ...

    def remember(self, name: str, value: str) -> None: ...

    def swap(self, name: str, before: str, after: str) -> bool:
        """Remember ``after`` if ``before`` is remembered ("" when absent), whoever else is at it; whether so."""
        ...

    def facts(self, prefix: str) -> dict[str, str]:
        """All facts that aren't empty and whose names begin so."""
        ...

    def summary(self) -> dict[str, int]:
        """Counts for status: items, looked, failed, apply, review, ours, waiting, bytes …"""
        ...
