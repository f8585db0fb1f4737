"""The second half of the line for one item: sightings → predictions → decisions → what is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from tagger.judgement.aggregate import MADE_FROM, Knowledge, aggregate
from tagger.judgement.decide import Court, GalleryRule, Policy, decide_gallery, fingerprint
from tagger.judgement.families import row_of
from tagger.judgement.vocabulary import TagIndex, normal
from tagger.library.people.desk import Desk
from tagger.library.people.judging import PEOPLE
from tagger.ports import Mine, Settlement, Standing
from tagger.types import Decision, MediaItem, PlannedChange, Prediction, Sighting, Tag

UpdateStrategy: TypeAlias = Literal["add", "replace", "merge"]
MARKER = "marker"  # the feature of marker tags


@dataclass(frozen=True)
class Judge:
    """Everything that judging rests on. ``create`` False: only tags that exist are written.

    ``applied_marker`` and ``review_marker`` are tags for items that got tags, and for items with something to review
    ("" = none). ``update`` says what becomes of our tags when a newer decision no longer applies them: ``add`` leaves
    them, ``replace`` takes them back, ``merge`` takes back only what a model that came later contradicts. What a person
    put there is never touched. ``people`` judges faces (None: they are off).
    """

    knowledge: Knowledge = field(default_factory=Knowledge)
    policy: Policy = field(default_factory=Policy)
    gallery: GalleryRule = field(default_factory=GalleryRule)
    create: bool = True
    applied_marker: str = ""
    review_marker: str = ""
    update: UpdateStrategy = "replace"
    people: Desk | None = None

    @cached_property
    def knowledge_id(self) -> str:
        """Changes whenever the same sightings could give other predictions."""
        return fingerprint(self.knowledge)

    @cached_property
    def policy_id(self) -> str:
        """Changes whenever a stored item could be judged, or written, differently."""
        markers = (self.applied_marker, self.review_marker)
        more = (self.people.settings_id,) if self.people is not None else ()
        return self.policy.fingerprint(self.knowledge_id, self.gallery, self.create, markers, self.update, *more)

    @cached_property
    def _courts(self) -> dict[tuple[str, ...], Court]:
        return {}

    def court(self, path: str) -> Court:
        """The policy that holds for items with this path, ready to judge."""
        policy = self.policy.at(path)
        places = tuple(rule.place for rule in policy.here)
        court = self._courts.get(places)
        if court is None:
            court = self._courts[places] = Court(policy)
        return court

    # ------------------------------------------------------------ deciding

    def settle(
        self, item: MediaItem, sightings: Sequence[Sighting], duration_s: float, index: TagIndex, standing: Standing
    ) -> Settlement:
        """All of it for one scene or image."""
        predictions = aggregate(sightings, self.knowledge, duration_s)
        decisions = self._decide(predictions, index, standing, item.path)
        decisions += self.people.decide(item) if self.people is not None else []
        plans = self.plan(item, decisions, index, standing)
        numbers = tuple(row_of(prediction) for prediction in predictions)
        return Settlement(item, tuple(decisions), tuple(plans), self.knowledge_id, numbers)

    def decide(
        self, sightings: Sequence[Sighting], duration_s: float, index: TagIndex, standing: Standing, path: str = ""
    ) -> list[Decision]:
        """Decisions for a scene or an image."""
        return self._decide(aggregate(sightings, self.knowledge, duration_s), index, standing, path)

    def _decide(
        self, predictions: Sequence[Prediction], index: TagIndex, standing: Standing, path: str
    ) -> list[Decision]:
        decisions = self.court(path).decide(predictions)
        return [self.respect(decision, index, standing) for decision in decisions]

    def decide_gallery(
        self, images: Sequence[Sequence[Decision]], index: TagIndex, standing: Standing, path: str = ""
    ) -> list[Decision]:
        """Decisions for a gallery from those of its images."""
        tags, people = split_people(images)
        decided = decide_gallery(tags, self.gallery, self.policy.at(path))
        of_people = decide_gallery(people, self.gallery, replace(self.policy.at(path), most_tags=0, here=()))
        return [*(self.respect(decision, index, standing) for decision in decided), *of_people]

    def respect(self, decision: Decision, index: TagIndex, standing: Standing) -> Decision:
        """What the person said and did, and which tags there are, comes before any probability."""
        if not decision.tag:
            return decision
        tag = index.find(decision.tag)
        # Answers follow a tag that was renamed or merged; what the models say of it keeps its name.
        names = {normal(decision.tag), normal(tag.name) if tag is not None else ""}
        if names & standing.refused:
            return replace(decision, verdict="drop", rule="person.refused", why="You said that it isn't here.")
        if names & standing.accepted:
            return replace(decision, verdict="apply", rule="person.accepted", why="You said that it is here.")
        if decision.verdict not in ("apply", "review"):
            return decision
        if tag is not None and tag.id in standing.gone:
            return replace(decision, verdict="drop", rule="person.removed", why="You removed it, so it stays away.")
        if tag is None and not self.create:
            why = f"There is no tag “{decision.tag}”, and new ones are not to be made."
            return replace(decision, verdict="keep", rule="tags.create", why=why)
        return decision

    # ------------------------------------------------------------ planning

    def plan(
        self, item: MediaItem, decisions: Sequence[Decision], index: TagIndex, standing: Standing
    ) -> list[PlannedChange]:
        """The tags to add, and those of ours to take back.

        One that is there already, or that a person removed, is never added; only what is ours is ever taken back.
        """
        people = self.people.plan(item, decisions, standing) if self.people is not None else []
        decisions = [decision for decision in decisions if decision.prediction.feature != PEOPLE]
        plans: dict[str, PlannedChange] = {}
        wanted: set[str] = set()
        for decision in self._with_markers(decisions):
            tag = index.find(decision.tag)
            key = tag.id if tag is not None else f"new:{normal(decision.tag)}"
            wanted.add(key)
            if _is_settled(item, tag, decision.tag, standing):
                continue
            plans.setdefault(key, _addition(item, decision, tag.id if tag else "", tag.name if tag else decision.tag))
        return [*plans.values(), *self._removals(item, decisions, index, standing, wanted), *people]

    def _removals(
        self,
        item: MediaItem,
        decisions: Sequence[Decision],
        index: TagIndex,
        standing: Standing,
        wanted: set[str],
    ) -> list[PlannedChange]:
        lost = {tag_id: mine for tag_id, mine in standing.mine.items() if tag_id not in wanted}
        if not lost:
            return []
        said: dict[str, Decision] = {}
        for decision in decisions:
            tag = index.find(decision.tag) if decision.tag else None
            if tag is not None:
                said.setdefault(tag.id, decision)
        return [
            _removal(item, tag_id, mine, said.get(tag_id))
            for tag_id, mine in lost.items()
            if tag_id in item.tag_ids
            and index.is_that(tag_id, mine.tag_name)
            and normal(mine.tag_name) not in standing.accepted
            and self.takes_back(mine, standing.seen, (d := said.get(tag_id)) is not None and d.verdict == "review")
        ]

    def takes_back(self, mine: Mine, seen: frozenset[str], suggested: bool) -> bool:
        """Whether a tag of ours that isn't applied any more goes: ``seen`` are the models that have looked,
        ``suggested``: it is still likely enough to be asked about.

        Silence isn't a "no": where no model of its feature has looked (another preset, a model that was removed) it
        stays until one has.
        """
        if self.update == "add":
            return False
        feature = MADE_FROM.get(mine.feature, mine.feature)
        looked = {model for model in seen if feature in ("", MARKER, self.knowledge.features.get(model))}
        if self.update == "replace":
            return bool(looked) or mine.feature == MARKER
        if mine.feature == MARKER:
            return True
        return bool(mine.looked) and bool(looked - mine.looked) and not suggested

    def _with_markers(self, decisions: Sequence[Decision]) -> list[Decision]:
        applied = [decision for decision in decisions if decision.verdict == "apply"]
        return [*applied, *self.markers(bool(applied), any(decision.verdict == "review" for decision in decisions))]

    def markers(self, applied: bool, review: bool) -> list[Decision]:
        """The marker tags of an item with tags that were applied, and with some that wait for a look."""
        marked = []
        if applied and self.applied_marker:
            marked.append(_marker(self.applied_marker, "tags.applied_marker", "It got tags."))
        if review and self.review_marker:
            marked.append(_marker(self.review_marker, "tags.review_marker", "Something here waits for your look."))
        return marked


def split_people(images: Sequence[Sequence[Decision]]) -> tuple[list[list[Decision]], list[list[Decision]]]:
    """Decisions about tags, and those about people, of each image."""
    people = [[d for d in decisions if d.prediction.feature == PEOPLE] for decisions in images]
    return [[d for d in decisions if d.prediction.feature != PEOPLE] for decisions in images], people


def _is_settled(item: MediaItem, tag: Tag | None, name: str, standing: Standing) -> bool:
    """Whether the item has the tag, or a person removed it, or nobody knows yet what became of it."""
    if tag is not None and (tag.id in item.tag_ids or tag.id in standing.gone):
        return True
    return normal(name) in standing.gone_names or (tag is not None and normal(tag.name) in standing.gone_names)


def _addition(item: MediaItem, decision: Decision, tag_id: str, tag_name: str) -> PlannedChange:
    return PlannedChange(
        ref=item.ref,
        fingerprint=item.fingerprint,
        tag_name=tag_name,
        tag_id=tag_id,
        model=",".join(decision.prediction.models),
        score=decision.prediction.score,
        probability=decision.prediction.probability,
        rule=decision.rule,
        why=decision.why,
        tags_before=item.tag_ids,
        feature=decision.prediction.feature,
    )


def _removal(item: MediaItem, tag_id: str, mine: Mine, decision: Decision | None) -> PlannedChange:
    """Why it goes is what the rule says that no longer applies it."""
    marker = mine.feature == MARKER
    silence = "Nothing here asks for it any more." if marker else "No model sees it here any more."
    return PlannedChange(
        ref=item.ref,
        fingerprint=item.fingerprint,
        tag_name=mine.tag_name,
        tag_id=tag_id,
        model=",".join(decision.prediction.models) if decision else "",
        score=decision.prediction.score if decision else 0.0,
        probability=decision.prediction.probability if decision else 0.0,
        rule=decision.rule if decision else "tags.update",
        why=decision.why if decision else silence,
        tags_before=item.tag_ids,
        action="remove",
        feature=mine.feature,
    )


def _marker(tag: str, rule: str, why: str) -> Decision:
    return Decision(Prediction(MARKER, tag, 1.0, 1.0, tag, ()), "apply", tag, rule, why)
