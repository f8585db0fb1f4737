"""The second half of the line for one item: sightings → predictions → decisions → what is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tagger.aggregate import Knowledge, aggregate
from tagger.decide import GalleryRule, Policy, decide, decide_gallery
from tagger.ports import Standing
from tagger.types import Decision, MediaItem, PlannedChange, Prediction, Sighting
from tagger.vocabulary import TagIndex, normal


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that judging rests on. ``create`` False: only tags that exist are written.

    ``applied_marker`` and ``review_marker`` are tags for items that got tags, and for items with something to review
    ("" = none).
    """

    knowledge: Knowledge = field(default_factory=Knowledge)
    policy: Policy = field(default_factory=Policy)
    gallery: GalleryRule = field(default_factory=GalleryRule)
    create: bool = True
    applied_marker: str = ""
    review_marker: str = ""

    @property
    def policy_id(self) -> str:
        """Changes whenever a stored item could be judged differently."""
        return self.policy.fingerprint(
            self.knowledge, self.gallery, self.create, self.applied_marker, self.review_marker
        )

    def decide(
        self, sightings: Sequence[Sighting], duration_s: float, index: TagIndex, standing: Standing
    ) -> list[Decision]:
        """Decisions for a scene or an image."""
        predictions = aggregate(sightings, self.knowledge, duration_s)
        return [self._respect(decision, index, standing) for decision in decide(predictions, self.policy)]

    def decide_gallery(
        self, images: Sequence[Sequence[Decision]], index: TagIndex, standing: Standing
    ) -> list[Decision]:
        """Decisions for a gallery from those of its images."""
        decided = decide_gallery(images, self.gallery, self.policy)
        return [self._respect(decision, index, standing) for decision in decided]

    def _respect(self, decision: Decision, index: TagIndex, standing: Standing) -> Decision:
        """What the person did, and which tags there are, comes before any probability."""
        if decision.verdict not in ("apply", "review"):
            return decision
        tag = index.find(decision.tag)
        if tag is not None and tag.id in standing.gone:
            return replace(decision, verdict="drop", rule="person", why="You removed it, so it stays away.")
        if tag is None and not self.create:
            why = f"There is no tag “{decision.tag}”, and new ones are not to be made."
            return replace(decision, verdict="keep", rule="tags.create", why=why)
        return decision

    def plan(
        self, item: MediaItem, decisions: Sequence[Decision], index: TagIndex, standing: Standing
    ) -> list[PlannedChange]:
        """The tags to add. One that is there already, or that a person removed, is never planned."""
        plans: dict[str, PlannedChange] = {}
        for decision in self._with_markers(decisions):
            tag = index.find(decision.tag)
            key = tag.id if tag is not None else f"new:{normal(decision.tag)}"
            if tag is not None and (tag.id in item.tag_ids or tag.id in standing.gone):
                continue
            plans.setdefault(
                key,
                PlannedChange(
                    ref=item.ref,
                    fingerprint=item.fingerprint,
                    tag_name=tag.name if tag is not None else decision.tag,
                    tag_id=tag.id if tag is not None else "",
                    model=",".join(decision.prediction.models),
                    score=decision.prediction.score,
                    probability=decision.prediction.probability,
                    rule=decision.rule,
                    why=decision.why,
                    tags_before=item.tag_ids,
                ),
            )
        return list(plans.values())

    def _with_markers(self, decisions: Sequence[Decision]) -> list[Decision]:
        applied = [decision for decision in decisions if decision.verdict == "apply"]
        marked = list(applied)
        if applied and self.applied_marker:
            marked.append(_marker(self.applied_marker, "tags.applied_marker", "It got tags."))
        if self.review_marker and any(decision.verdict == "review" for decision in decisions):
            marked.append(_marker(self.review_marker, "tags.review_marker", "Something here waits for your look."))
        return marked


def _marker(tag: str, rule: str, why: str) -> Decision:
    return Decision(Prediction("marker", tag, 1.0, 1.0, tag, ()), "apply", tag, rule, why)
