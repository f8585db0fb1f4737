"""What a typed configuration allows, in words made from its annotations: no key needs a sentence of its own."""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_PLAIN = {
    bool: "true or false",
    str: "a text (in quotes, if it looks like a number, a day, yes or no)",
    int: "a whole number",
    float: "a number",
}
_LISTS = (list, tuple, frozenset)
_MANY = {str: "texts", int: "whole numbers", float: "numbers"}


def place(model: type[BaseModel], path: Sequence[str | int]) -> tuple[list[str | int], Any]:
    """The part of ``path`` that a person wrote, and what may stand there (an annotation).

    A path of pydantic goes on into the members of a union; a key that there isn't ends it, too.
    """
    here: list[str | int] = []
    at: Any = model
    for part in path:
        inner = _inside(at, part)
        if inner is None:
            break
        here.append(part)
        at = inner
    return here, at


def words(annotation: Any) -> str:
    """As in "it has to be …": ``a whole number from 1 to 1000``, ``fast or accurate``."""
    kind, notes = _bare(annotation)
    told = next((note.description for note in notes if isinstance(note, FieldInfo) and note.description), None)
    if told:
        return told
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"a section with any of {', '.join(keys(kind))}"
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return _or(str(value) for value in inner)
    if get_origin(kind) in (Union, types.UnionType):
        return _or("null (nothing)" if member is type(None) else words(member) for member in inner)
    if get_origin(kind) in _LISTS:
        return _list(inner)
    if get_origin(kind) is dict:
        return f"a section of names, such as {{name: …}}, with {words(inner[1])} for each"
    return _PLAIN.get(kind, "something else") + _bounds(notes)


def keys(annotation: Any) -> list[str]:
    """The keys of a section; none where a person chooses them."""
    kind, _ = _bare(annotation)
    return sorted(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _inside(annotation: Any, part: str | int) -> Any:
    kind, _ = _bare(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return None if field is None else Annotated[field.annotation, field]
    inner = [one for one in get_args(kind) if one is not ...]
    if get_origin(kind) in _LISTS and isinstance(part, int):
        return inner[min(part, len(inner) - 1)]
    if get_origin(kind) is dict and isinstance(part, str):
        return inner[1]
    return None


def _list(inner: Sequence[Any]) -> str:
    what = _bare(inner[0])[0]
    many = f"{len(inner)} " if len(inner) > 1 and inner[-1] is not ... else ""
    if many or what is not str:
        each = "" if what in _MANY else f", each {words(what).removeprefix('a section ')}"
        return f"a list of {many}{_MANY.get(what, 'sections' if keys(what) else 'words')}{each}"
    return "a list of texts, such as [one, two]"


def _bare(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type itself, and what is noted of it. An optional one is its type: None is what "not set" means."""
    notes: tuple[Any, ...] = ()
    while get_origin(annotation) is Annotated:
        notes += get_args(annotation)[1:]
        annotation = get_args(annotation)[0]
    members = [member for member in get_args(annotation) if member is not type(None)]
    if get_origin(annotation) in (Union, types.UnionType) and len(members) == 1:
        inner, more = _bare(members[0])
        return inner, (*notes, *more)
    return annotation, notes


def _bounds(notes: Iterable[Any]) -> str:
    limits: dict[str, Any] = {}
    for note in notes:
        for limit in [*note.metadata] if isinstance(note, FieldInfo) else [note]:
            limits |= {name: getattr(limit, name) for name in ("ge", "gt", "le", "lt") if hasattr(limit, name)}
    low, high = limits.get("ge"), limits.get("le")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    said = [f"of at least {low}"] if low is not None else []
    said += [f"above {limits['gt']}"] if "gt" in limits else []
    said += [f"of at most {high}"] if high is not None else []
    said += [f"below {limits['lt']}"] if "lt" in limits else []
    return " " + " and ".join(said) if said else ""


def _or(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


# What a YAML parser says (problem, context) → whether it is about where it began, and how a person would say it.
_BROKEN = (
    ("'\\t'", "", False, "there is a tab, where YAML takes only spaces"),
    ("cannot start any token", "", False, "a text that begins with a special character needs quotes around it"),
    ("undefined alias", "", False, "a text that begins with a special character needs quotes around it"),
    ("end of stream", "quoted scalar", True, "a quote is opened here and never closed"),
    ("escape", "", False, "a backslash in double quotes means something else: use single quotes"),
    ("", "flow sequence", True, "a bracket [ is opened here and never closed"),
    ("", "flow mapping", True, "a bracket { is opened here and never closed"),
    ("<stream end>", "flow node", False, "a bracket is opened and never closed"),
    ("node content", "", False, "a bracket is closed that wasn't opened, or a text needs quotes around it"),
    ("mapping values", "", False, "a colon stands where none belongs: indented too far, or a text that needs quotes"),
    ("expected <block end>", "", False, "indented otherwise than the lines above, or something behind a closing quote"),
    ("could not find expected ':'", "", False, "a colon is missing behind a key"),
)


def broken_yaml(error: Exception) -> str:
    """What a YAML parser complains of, with its line, as a person would say it; what isn't known, in its own words."""
    problem, context = str(getattr(error, "problem", None) or ""), str(getattr(error, "context", None) or "")
    known = (
        (at_its_begin, said)
        for in_problem, in_context, at_its_begin, said in _BROKEN
        if in_problem in problem and in_context in context
    )
    at_its_begin, said = next(known, (False, problem or " ".join(str(error).split())))
    mark = getattr(error, "context_mark" if at_its_begin else "problem_mark", None)
    return f"line {mark.line + 1}: {said}" if mark is not None else said
