"""The configuration: layers, origins, and sentences for what is wrong."""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.config import Config, _leaves, as_a_start, light_snapshot, load
from tagger.errors import ConfigError
from tagger.manifest import STASH_SETTINGS, from_stash

ROOT = Path(__file__).parents[2]


def test_the_example_says_every_key_with_its_default_and_a_why() -> None:
    text = (ROOT / "config.example.yml").read_text(encoding="utf-8")
    assert dict(_leaves(yaml.safe_load(text))) == dict(_leaves(Config().model_dump()))
    for line in text.splitlines():
        if re.match(r"\s*\w+: \S", line):
            assert "# " in line, f"no why: {line}"


def test_a_new_config_file_sets_nothing_and_any_of_its_lines_can_be_switched_on(tmp_path: Path) -> None:
    start = as_a_start((ROOT / "config.example.yml").read_text(encoding="utf-8"))
    file = tmp_path / "config.yml"
    file.write_text(start, encoding="utf-8")
    assert load(file) == load(None)
    file.write_text(re.sub(r"^( *)# (\w+: [^#\s])", r"\1\2", start, flags=re.MULTILINE), encoding="utf-8")
    assert load(file).config == Config() and load(file).origins["thresholds.apply"] == "config.yml"


def test_later_layers_win_and_every_value_knows_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(
        "thresholds: {apply: 0.8}\nlimits: {most_tags: 5}\ntags: {names: {a.b: C}}\nfeatures: {blur: off}\n"
    )
    loaded = load(file, {"applyPercent": 85, "maxTags": 0}, {"limits.most_tags": 7})
    assert loaded.config.thresholds.apply == 0.85
    assert loaded.config.limits.most_tags == 7
    assert loaded.config.tags.names == {"a.b": "C"}
    assert loaded.config.features["blur"] == "off" and loaded.config.features["objects"] == "apply"
    rows = {key: origin for key, _, origin in loaded.effective()}
    assert rows["thresholds.apply"] == "Stash's settings"
    assert rows["limits.most_tags"] == "this call"
    assert rows["features.blur"] == "config.yml"
    assert rows["thresholds.keep"] == "default"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("limitz: {most_tags: 3}", ["limitz", "isn't a known key", "limits"]),
        ("limits: {most_tag: 3}", ["limits.most_tag", "isn't a known key", "most_tags"]),
        ("limits: {most_tags: many}", ["limits.most_tags", '"many"', "a whole number of at least 0"]),
        ("thresholds: {apply: 90}", ["thresholds.apply", "90", "a number from 0 to 1"]),
        ("thresholds: {apply: .5, review: .6}", ["thresholds", "rise"]),
        ("engine: {device: gpu}", ["engine.device", '"gpu"', "cuda"]),
        ("features: {objects: maybe}", ["features.objects", '"maybe"', "review"]),
        ("thresholds: {features: {objects: {aply: .9}}}", ["thresholds.features.objects.aply", "apply"]),
        ("limits: 3", ["limits", "3"]),
        ("rules: [{below: /a, most_tag: 3}]", ["rules[0].most_tag", "most_tags"]),
        ("rules: [{below: /a, most_tags: x}]", ["rules[0].most_tags", '"x"', "a whole number"]),
        ("tags: {names: {cat: [1, 2]}}", ["tags.names.cat", "[1, 2]", "a list of texts", "null"]),
        ("scope: {date_from: 2019-13-31}", ["config.yml", "month"]),
        ("scope: {date_from: yesterday}", ["scope.date_from", "yesterday", "a day such as 2019-12-31"]),
        ("a: [", ["{folder}", "config.yml", "YAML", "line 1: a bracket is opened and never closed"]),
        ("limits:\n\tmost_tags: 3", ["line 2: there is a tab"]),
        ("a: 1\nb: {c: 1\nd: 2\n", ["line 2: a bracket { is opened"]),
        ("a: 'x\nb: 1\n", ["line 1: a quote is opened here and never closed"]),
        ("a:\n  b: 1\n c: 2\n", ["line 3: indented otherwise"]),
        ("a: b\n c: d\n", ["line 2: a colon stands where none belongs"]),
        ("a: @b", ["line 1: a text that begins with a special character needs quotes"]),
        ('a: "C:\\Users"', ["line 1: a backslash in double quotes", "single quotes"]),
        ("a: ]", ["line 1: a bracket is closed that wasn't opened"]),
        ("a: !b c", ["line 1: could not determine a constructor"]),
        ("just words", ["key: value"]),
    ],
)
def test_what_is_wrong_is_said_with_key_value_and_what_is_allowed(tmp_path: Path, text: str, parts: list[str]) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    for part in parts:
        assert part.replace("{folder}", str(tmp_path)) in str(caught.value)


KEYS = [".".join(path) for path, _ in _leaves(Config().model_dump())] + sorted(Config.model_fields)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9999),
    st.floats(-2, 2),
    st.just(math.nan),
    st.text(max_size=5),
    st.dates(),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.dictionaries(st.just("below"), st.integers()))),
    st.dictionaries(st.sampled_from(["a", "keep", "b c"]), st.one_of(st.integers(), st.text(max_size=3), st.none())),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KEYS), ANYTHING)
def test_whatever_is_said_holds_as_it_was_said_or_is_refused_in_our_words(key: str, value: object) -> None:
    try:
        kept = _kept(load(None, None, {key: value}).config, key)
    except ConfigError as error:
        said = str(error)
        named = said.partition(" ")[0]  # The section, where its keys don't go together.
        assert (named.startswith(key) or key.startswith(f"{named}.")) and "(in this call)" in said and said[-1] == "."
        assert " can't be " in said or "isn't a known key; allowed here: " in said
        assert not re.search("[Ii]nput|valid |pydantic|instance|string|dictionary|integer", said)
    else:
        if isinstance(value, date):
            value = value.isoformat()
        if key.startswith("features.") and value is False:
            value = "off"  # What YAML makes of a bare off.
        said_by_name = value if isinstance(value, dict) else {"": value}
        for name, one in said_by_name.items():
            here = kept[name] if name else kept
            assert here == one and isinstance(here, bool) == isinstance(one, bool)


def _kept(config: Config, key: str) -> Any:
    at: Any = config.model_dump()
    for part in key.split("."):
        at = at.get(part)  # None says "as a more general place has it", and may be left out
    return at


def test_a_wrong_setting_on_the_page_is_named_as_the_page_names_it() -> None:
    with pytest.raises(ConfigError, match="applyPercent"):
        load(None, {"applyPercent": 150})


def test_the_manifest_and_the_configuration_know_the_same_settings() -> None:
    manifest = yaml.safe_load((ROOT / "ai_tagger.yml").read_text(encoding="utf-8"))
    assert set(manifest["settings"]) == set(STASH_SETTINGS)
    for name, setting in manifest["settings"].items():
        kind = STASH_SETTINGS[name].kind
        wanted = {"percent": "NUMBER", "number": "NUMBER", "not": "BOOLEAN", "is": "BOOLEAN", "never": "BOOLEAN"}.get(
            kind, "STRING"
        )
        assert setting["type"] == wanted, name


@given(st.dictionaries(st.sampled_from(sorted(STASH_SETTINGS)), st.sampled_from(["", 0, False, None])))
def test_unset_settings_change_nothing(settings: dict[str, object]) -> None:
    assert from_stash(settings) == {}


def test_lowering_only_apply_lowers_review_with_it() -> None:
    assert load(None, {"applyPercent": 60}).config.thresholds.review == 0.6


def test_a_dash_empties_a_text() -> None:
    assert load(None, {"parentTag": "-"}).config.tags.parent == ""


def test_the_light_snapshot_is_plain() -> None:
    assert light_snapshot(load(None, {"skipImages": True}).config) == {"hooks": True, "kinds": ["scene", "gallery"]}
