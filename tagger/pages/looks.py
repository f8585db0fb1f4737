"""What persons' looks say so far, and how many more would settle what waits; what other thresholds would change."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tagger.library.promise import USUAL, Promise, looks_needed, looks_of, promises, without_promises
from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.snapshot import read_policy
from tagger.store import SqliteStore

_TAGS = 300  # of those that wait, so many are reckoned one by one
_SAMPLE = 2000
_MAJOR = 10


def looks(place: Place, call: Call) -> dict[str, Any]:
    """Of each tag that was looked at or waits: how many looks, how many of those that count were right, the share
    that is right at least, from where on what the person promises (95 % as long as nothing is) can be promised, and
    how many more looks would settle it (none where it is promised)."""
    del call
    store = place.store
    policy, _, promised = read_policy(place.data)
    wanted = promised or USUAL
    plain, seen, waits = without_promises(policy), looks_of(store.looked_at()), store.tally("review")
    known = {*seen, *_unseen(store, waits, {tag for _, tag in seen})}
    now = {(feature, tag): plain.bar(feature, tag).apply for feature, tag in known}
    tags = [
        _row(one, len(seen.get((one.feature, one.tag), ())), waits.get(one.tag, 0))
        for one in promises(seen, wanted, now)
    ]
    rest = len(waits.keys() - {row["tag"] for row in tags}) * looks_needed(0, 0, wanted)
    return {
        "promise": wanted,
        "follows": promised > 0,
        "left": sum(row["left"] for row in tags) + min(rest, sum(waits.values())),
        "tags": sorted(tags, key=lambda row: (-row["looks"], -row["waiting"], row["tag"])),
    }


def _unseen(store: SqliteStore, waits: dict[str, int], seen: set[str]) -> list[tuple[str, str]]:
    """Feature and tag of those that wait and nobody looked at."""
    most = set(sorted(waits.keys() - seen, key=lambda tag: -waits[tag])[:_TAGS])
    return [(feature, tag) for feature, tag in store.tags_waiting() if tag in most]


def _row(one: Promise, looks: int, waiting: int) -> dict[str, Any]:
    return {
        "tag": one.tag,
        "feature": one.feature,
        "looks": looks,
        "looked": one.looked,  # those at or above the threshold: they tell of what is written
        "right": one.right,
        "at_least": round(one.at_least, 4),
        "apply": one.apply,
        "borrowed": one.borrowed,
        "waiting": waiting,
        # Whoever looks at all that wait has settled them, too.
        "left": 0 if one.apply is not None else min(one.needs, waiting),
    }


def labels(place: Place, call: Call) -> dict[str, Any]:
    """What models saw, each label with the tag it is called now, and on how many items that is written, waits, or was
    seen at all; reckoned from some items. What lists and names of one's own would change follows from it."""
    del call
    items = place.store.count_items()
    sampled = min(_SAMPLE, items)
    share = items / sampled if sampled else 1.0
    undone = Counter[tuple[str, str, str]]()
    for feature, label, tag, _, _, n in place.store.taken_back(_SAMPLE):
        undone[feature, label, tag] += n
    return {
        "items": items,
        "sampled": sampled,
        "taken_back": round(undone.total() * share),
        "labels": [
            {"feature": feature, "label": label, "tag": tag}
            | {
                name: round(n * share)
                for name, n in (("apply", apply - undone[feature, label, tag]), ("review", review), ("seen", seen))
            }
            for feature, label, tag, apply, review, seen in place.store.labels(_SAMPLE)
        ],
    }


def estimate(place: Place, call: Call) -> dict[str, Any]:
    """What these thresholds (percents) would change, reckoned from what is stored of some items; ``taken_back``: how
    many tags that were undone come back besides. The exact numbers are those of deciding again."""
    store = place.store
    policy = read_policy(place.data).policy
    apply = call.apply * _MAJOR or round(policy.apply * 1000)
    as_it_is = round(policy.review * 1000)
    review = min(apply, call.review * _MAJOR or as_it_is)
    sampled, items = min(_SAMPLE, store.count_items()), store.count_items()
    counts = {"add": 0, "remove": 0, "review": 0, "no_review": 0, "taken_back": 0}
    for verdict, permille, n in store.sure(_SAMPLE):
        then = "apply" if permille >= apply else "review" if permille >= review else "keep"
        if then == "keep" and verdict == "review" and review == as_it_is:
            then = verdict  # Some features wait from another threshold on, which nobody is about to change.
        counts["add"] += n * (then == "apply" != verdict)
        counts["remove"] += n * (verdict == "apply" != then)
        counts["review"] += n * (then == "review" != verdict)
        counts["no_review"] += n * (verdict == "review" != then)
    for _, _, _, rule, permille, n in store.taken_back(_SAMPLE):
        # It isn't there to be taken back, and is written again where it still passes.
        again = permille >= apply if rule.startswith("thresholds.") else True
        counts["taken_back"] += n * again
        counts["remove"] -= n * (not again)
    share = items / sampled if sampled else 1.0
    return {"items": items, "sampled": sampled, **{name: round(n * share) for name, n in counts.items()}}
