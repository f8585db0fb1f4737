"""Every text that we send is valid for a real server, and so is the double's reduced schema."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    parse,
    validate,
)

from tagger.stash import queries
from tests.double.graph import real_schema, reduced_schema

ROOT = Path(__file__).parents[2]


def _light_texts() -> list[str]:
    """GraphQL in the light half, which keeps its few texts beside their use."""
    found: list[str] = []
    for file in sorted((ROOT / "tagger").rglob("*.py")):
        if file.name == "queries.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value.strip()
                if text.startswith(("query ", "mutation ", "{ ")) and text.endswith("}"):
                    found.append(text)
    return found


TEXTS = [*queries.ALL, *_light_texts()]


def real() -> GraphQLSchema:
    schema = real_schema()
    if schema is None:
        pytest.skip("AI_TAGGER_TEST_SCHEMA doesn't name a real server's schema")
    return schema


@pytest.mark.parametrize("text", TEXTS, ids=[" ".join(text.split())[:60] for text in TEXTS])
def test_texts_are_valid(text: str) -> None:
    assert validate(reduced_schema(), parse(text)) == []
    assert validate(real(), parse(text)) == []


def test_the_reduced_schema_says_nothing_that_the_real_one_does_not() -> None:
    whole = real()
    wrong: list[str] = []
    for name, ours in reduced_schema().type_map.items():
        if name.startswith("__"):
            continue
        theirs = whole.type_map.get(name)
        if theirs is None:
            wrong.append(name)
        elif isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
            wrong += [f"{name}.{value}" for value in ours.values.keys() ^ theirs.values.keys()]
        elif isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
            wrong += [
                f"{name}.{field}"
                for field, kind in ours.fields.items()
                if field not in theirs.fields or str(theirs.fields[field].type) != str(kind.type)
            ]
        elif isinstance(ours, (GraphQLObjectType, GraphQLInterfaceType)):
            assert isinstance(theirs, (GraphQLObjectType, GraphQLInterfaceType))
            for field, kind in ours.fields.items():
                real_field = theirs.fields.get(field)
                if real_field is None or str(real_field.type) != str(kind.type):
                    wrong.append(f"{name}.{field}: {kind.type}")
                    continue
                wrong += [
                    f"{name}.{field}({argument})"
                    for argument, given in kind.args.items()
                    if argument not in real_field.args or str(real_field.args[argument].type) != str(given.type)
                ]
    assert wrong == []
