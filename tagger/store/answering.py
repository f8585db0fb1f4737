"""The half of the store that is about persons: :class:`tagger.answers.Answers`, each method one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagger.answers import Act, Answer, Audit, Narrow, Noticed, Question, Saying, Selection, TagMove, TagRule, Waiting
from tagger.store import answers as _answers
from tagger.store import audits as _audits
from tagger.store import outcome as _outcome
from tagger.store import queue as _queue
from tagger.store import watch as _watch
from tagger.store.database import Database
from tagger.types import Change, ItemRef, PlannedChange, Tag


class AnswerStore:
    """See :class:`tagger.answers.Answers`; the store of a library is one of these."""

    _database: Database
    _library_id: int

    # -- the queue for review
    def review_queue(
        self, limit: int, tag: str = "", feature: str = "", skip: int = 0, only: Narrow | None = None
    ) -> list[Waiting]:
        with self._database.read() as db:
            return _queue.to_review(db, self._library_id, limit, tag, feature, skip, only)

    def question(self, ref: ItemRef, tag: str) -> Question | None:
        with self._database.read() as db:
            return _queue.question(db, self._library_id, ref, tag)

    def unhashed(self, limit: int) -> list[str]:
        with self._database.read() as db:
            return _queue.unhashed(db, self._library_id, limit)

    def put_hashes(self, hashes: Iterable[tuple[str, int]]) -> None:
        with self._database.write() as db:
            _queue.put_hashes(db, hashes)

    def reorder(self) -> None:
        with self._database.read() as db:
            _queue.rank(db, self._library_id)
        more = True
        while more:
            with self._database.write() as db:
                more = _queue.move(db)

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
        with self._database.write() as db:
            return _answers.say(db, self._library_id, what, sayings, rules, follow, click)

    def withdraw(self, act: int) -> bool:
        with self._database.write() as db:
            return _answers.withdraw(db, self._library_id, act)

    def withdraw_click(self, click: str) -> None:
        with self._database.write() as db:
            _answers.withdraw_click(db, self._library_id, click)

    def forget_answers(self, run_id: int) -> int:
        with self._database.write() as db:
            return _answers.forget_written(db, self._library_id, run_id)

    def acts(self, limit: int = 20) -> list[Act]:
        with self._database.read() as db:
            return _answers.acts(db, self._library_id, limit)

    def answers(self, feature: str = "", tag: str = "") -> list[Answer]:
        with self._database.read() as db:
            return _answers.answers(db, self._library_id, feature, tag)

    def looked_at(self) -> list[tuple[str, str, float, bool]]:
        with self._database.read() as db:
            return _answers.looked_at(db, self._library_id)

    def rules(self) -> list[TagRule]:
        with self._database.read() as db:
            return _answers.rules(db, self._library_id)

    def tags_waiting(self) -> list[tuple[str, str]]:
        """Feature and tag of what waits."""
        with self._database.read() as db:
            return _queue.tags_waiting(db, self._library_id)

    def tags_decided(self) -> list[tuple[str, str]]:
        with self._database.read() as db:
            return _queue.tags_decided(db, self._library_id)

    # -- audits
    def draw_audits(self, n: int, tag: str = "", feature: str = "") -> int:
        with self._database.read() as db:
            chosen = _audits.draw(db, self._library_id, n, tag, feature)
        if chosen:
            with self._database.write() as db:
                _audits.keep(db, self._library_id, chosen)
        return len(self.audits(n, tag))

    def audits(self, limit: int, tag: str = "") -> list[Audit]:
        with self._database.read() as db:
            return _audits.audits(db, self._library_id, limit, tag)

    # -- what is ours
    def ours(self, selection: Selection, after: int = 0, limit: int = 1000) -> list[Change]:
        with self._database.read() as db:
            return _watch.ours(db, self._library_id, selection, after, limit)

    def take_back(self, run_id: int, change_ids: Sequence[int], rule: str, why: str) -> int:
        with self._database.write() as db:
            return _outcome.take_back(db, self._library_id, run_id, change_ids, rule, why)

    def adopt(self, run_id: int, plans: Sequence[PlannedChange]) -> int:
        with self._database.write() as db:
            return _watch.adopt(db, self._library_id, run_id, plans)

    def forget_ours(self, change_ids: Sequence[int], reason: str) -> None:
        with self._database.write() as db:
            _watch.forget_ours(db, self._library_id, change_ids, reason)

    # -- what people do in the library
    def notice(self, run_id: int, items: Sequence[tuple[ItemRef, str, frozenset[str]]]) -> Noticed:
        with self._database.write() as db:
            return _watch.look(db, self._library_id, run_id, items)

    def missed(self, limit: int = 1_000_000) -> list[Change]:
        with self._database.read() as db:
            return _watch.missed(db, self._library_id, limit)

    def not_missed(self, change_ids: Sequence[int]) -> None:
        with self._database.write() as db:
            _watch.not_missed(db, self._library_id, change_ids)

    def learn_missed(self) -> int:
        with self._database.write() as db:
            return _watch.learn_missed(db, self._library_id)

    def forgive_missed(self, reason: str) -> int:
        with self._database.write() as db:
            return _watch.forgive_missed(db, self._library_id, reason)

    def known_tags(self) -> dict[str, str]:
        with self._database.read() as db:
            return _watch.known_tags(db, self._library_id)

    def follow_tags(self, moves: Sequence[TagMove], tags: Sequence[Tag]) -> None:
        with self._database.write() as db:
            _watch.follow_tags(db, self._library_id, moves)
            _watch.keep_tags(db, self._library_id, tags)
