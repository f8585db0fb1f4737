"""Whether what a person asked for can be meant: no circles, no name said twice in two ways. Pure.

Every function raises ValueError with one sentence that says which two places disagree, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tagger.judgement.vocabulary import normal


def said_once(what: Mapping[str, object]) -> None:
    """No two spellings of one name with different values (``Dog: …`` and ``dog: …``)."""
    known: dict[str, tuple[str, object]] = {}
    for name, value in what.items():
        other, before = known.setdefault(normal(name), (name, value))
        if before != value:
            raise ValueError(f"{other} and {name} are the same name and say two different things: keep one of them")


def without_circle(parents: Mapping[str, Iterable[str]], what: str) -> tuple[str, ...]:
    """The names in an order in which every one comes after those that it is made from; ``what`` is for the sentence."""
    spelled = {normal(name): name for name in parents}
    graph = {normal(name): {normal(of) for of in others} for name, others in parents.items()}
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(spelled.get(name, name) for name in error.args[1])
        raise ValueError(f"these {what} go in a circle: {circle}; take one of them out") from None
    return tuple(spelled[name] for name in order if name in spelled)


def one_meaning(synonyms: Mapping[str, Sequence[str]]) -> None:
    """No word means two things."""
    meant: dict[str, str] = {}
    for name, words in synonyms.items():
        for word in (name, *words):
            other = meant.setdefault(normal(word), name)
            if other != name:
                raise ValueError(f"“{word}” can't mean both {other} and {name}: keep one of them")


def on_one_list(blacklist: Sequence[str], whitelist: Sequence[str]) -> None:
    """No name on both lists."""
    wanted = {normal(name) for name in whitelist}
    for name in blacklist:
        if normal(name) in wanted:
            raise ValueError(f"“{name}” is on the blacklist and on the whitelist: take it off one of them")


def rules_agree(rules: Sequence[tuple[Sequence[tuple[str, str]], Mapping[str, object]]]) -> None:
    """No two rules for the same place that say different things of the same key.

    A rule is ``(places, said)``: ``places`` are pairs of library and folder, ``said`` what it sets, by dotted key. Of
    rules for different folders the deeper one wins, so these can't disagree.
    """
    known: dict[tuple[str, str, str], tuple[int, object]] = {}
    for number, (places, said) in enumerate(rules):
        for library, folder in places:
            plain = folder.replace("\\", "/").rstrip("/")
            for key, value in said.items():
                other, before = known.setdefault((library, plain, key), (number, value))
                if before != value:
                    raise ValueError(
                        f"rules[{other}] and rules[{number}] disagree about {key} for {folder or 'every folder'} "
                        f"({before} and {value}): keep one of them"
                    )
