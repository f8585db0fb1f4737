"""Getting a model's files: mirrors over real HTTP and in folders, interruptions, wrong bytes, refusals."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tagger.catalogue import AnySpec, JurySpec, Source, fetch, listing, plan, read, remove
from tagger.errors import ModelError
from tests.models.server import Mirror, serving

WEIGHTS = bytes(range(256)) * 4000


def spec_of(folder: Path, file: dict[str, Any], name: str = "mine") -> AnySpec:
    path = folder / f"{name}.yaml"
    raw = {
        "name": name,
        "revision": 1,
        "feature": "objects",
        "family": "yolox",
        "files": [file],
        "input": {"size": [32, 32]},
        "labels": ["cat"],
    }
    path.write_text(yaml.safe_dump(raw), "utf-8")
    spec = read(path)
    assert not isinstance(spec, JurySpec)
    return spec


def known(content: bytes = WEIGHTS, **more: Any) -> dict[str, Any]:
    return {
        "url": "https://127.0.0.1:9/some/weights.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "licence": "MIT",
    } | more


def test_from_a_mirror_folder_at_any_depth_and_the_sha256_decides(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    for place, content in (("a/weights.onnx", b"wrong"), ("b/c/weights.onnx", WEIGHTS)):
        (mirror / place).parent.mkdir(parents=True)
        (mirror / place).write_bytes(content)
    spec = spec_of(tmp_path, known())
    source, data = Source(str(mirror)), tmp_path / "data"
    before = plan([spec], data, source)
    assert (before.bytes, before.hosts, len(before.files)) == (0, (), 1)
    assert "nothing is downloaded" in before.sentence()
    assert not spec.installed(data)
    (there,) = fetch(spec, data, source)
    assert there.read_bytes() == WEIGHTS
    assert spec.installed(data)
    assert plan([spec], data, source).files == ()
    assert listing([spec], data)[0].installed
    assert remove(spec, data) >= len(WEIGHTS)
    assert not spec.installed(data)
    assert remove(spec, data) == 0


def test_offline_only_the_mirror_is_asked(tmp_path: Path) -> None:
    spec, offline = spec_of(tmp_path, known()), Source(offline=True)
    assert plan([spec], tmp_path / "data", offline).hosts == ()
    with pytest.raises(ModelError, match=r"can't be had: models\.offline is on, and there is no mirror"):
        fetch(spec, tmp_path / "data", offline)
    (tmp_path / "weights.onnx").write_bytes(WEIGHTS)
    assert fetch(spec, tmp_path / "data", Source(str(tmp_path), offline=True))


def test_the_plan_says_hosts_and_megabytes(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, known(bytes=3_000_000))
    planned = plan([spec], tmp_path / "data")
    assert planned.hosts == ("127.0.0.1:9",)
    assert planned.sentence() == "1 model file (3.0 MB) will be downloaded from 127.0.0.1:9."


def test_over_http_with_progress(tmp_path: Path) -> None:
    spec, steps = spec_of(tmp_path, known()), []
    with serving(Mirror({"weights.onnx": WEIGHTS})) as mirror:
        (place,) = fetch(spec, tmp_path, Source(mirror.url), lambda done, total: steps.append((done, total)))
    assert place.read_bytes() == WEIGHTS
    assert steps[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert steps == sorted(steps)
    assert not list(tmp_path.rglob("*.part"))


def test_a_broken_connection_goes_on_where_it_was(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, known())
    with serving(Mirror({"weights.onnx": WEIGHTS}, break_after=[300_000, 100_000])) as mirror:
        (place,) = fetch(spec, tmp_path, Source(mirror.url))
    assert place.read_bytes() == WEIGHTS
    resumed_from = [int(wanted.removeprefix("bytes=").rstrip("-")) for _, wanted in mirror.seen if wanted]
    assert len(resumed_from) == 2
    assert 0 < resumed_from[0] < resumed_from[1] <= 400_000


def test_an_interrupted_run_goes_on_where_it_was_and_a_foreign_part_is_replaced(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, known())
    part = tmp_path / "mine" / "weights.onnx.part"
    for left, first in ((WEIGHTS[:1000], "bytes=1000-"), (b"another" * 9, "bytes=63-"), (WEIGHTS * 2, None)):
        remove(spec, tmp_path)
        part.parent.mkdir()
        part.write_bytes(left)
        with serving(Mirror({"weights.onnx": WEIGHTS})) as mirror:
            (place,) = fetch(spec, tmp_path, Source(mirror.url))
        assert place.read_bytes() == WEIGHTS
        assert first is None or mirror.seen[0][1] == first


def test_a_server_that_ignores_ranges_is_read_from_the_start(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, known())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "weights.onnx.part").write_bytes(WEIGHTS[:1000])
    with serving(Mirror({"weights.onnx": WEIGHTS}, honours_ranges=False)) as mirror:
        (place,) = fetch(spec, tmp_path, Source(mirror.url))
    assert place.read_bytes() == WEIGHTS


def test_wrong_bytes_are_never_put_in_place(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, known())
    with (
        serving(Mirror({"weights.onnx": b"<html>please log in</html>"})) as mirror,
        pytest.raises(ModelError, match="other bytes than the sha256"),
    ):
        fetch(spec, tmp_path, Source(mirror.url))
    assert not spec.installed(tmp_path)
    assert not list((tmp_path / "mine").iterdir())


def test_a_refusal_says_who_what_and_what_to_do(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, known())
    with serving(Mirror({})) as mirror, pytest.raises(ModelError, match=r"answered 404.*--mirror DIR"):
        fetch(spec, tmp_path, Source(mirror.url))
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9 can't be reached.*--mirror DIR or AI_TAGGER_MIRROR"):
        fetch(spec, tmp_path)
    with pytest.raises(ModelError, match=r"proxy did not let us through"):
        fetch(spec, tmp_path, Source(proxy="http://127.0.0.1:9"))
    with pytest.raises(ModelError, match=r"mirror .*nowhere is no folder"):
        fetch(spec, tmp_path, Source(str(tmp_path / "nowhere")))


def test_a_file_without_an_address_comes_from_a_mirror_only(tmp_path: Path) -> None:
    file = known()
    del file["url"]
    spec = spec_of(tmp_path, file | {"name": "weights.onnx"})
    assert plan([spec], tmp_path).unobtainable == ("mine: weights.onnx",)
    assert plan([spec], tmp_path).sentence() == "Not to be had: mine: weights.onnx."
    with pytest.raises(ModelError, match="has no address"):
        fetch(spec, tmp_path)


def test_a_new_revision_of_a_file_is_fetched_again(tmp_path: Path) -> None:
    with serving(Mirror({"weights.onnx": WEIGHTS})) as mirror:
        fetch(spec_of(tmp_path, known()), tmp_path, Source(mirror.url))
        newer = spec_of(tmp_path, known(b"newer"))
        assert not newer.installed(tmp_path)
        mirror.files["weights.onnx"] = b"newer"
        (place,) = fetch(newer, tmp_path, Source(mirror.url))
    assert place.read_bytes() == b"newer"


def test_the_first_fetch_pins_what_no_one_could_write_down(tmp_path: Path) -> None:
    file = known(pin="first fetch", sha256="")
    spec = spec_of(tmp_path, file, "resnet18-places365")
    with serving(Mirror({"weights.onnx": WEIGHTS})) as mirror:
        (place,) = fetch(spec, tmp_path, Source(mirror.url))
        place.unlink()
        mirror.files["weights.onnx"] = b"something else"
        with pytest.raises(ModelError, match="other bytes"):
            fetch(spec, tmp_path, Source(mirror.url))


def test_a_file_of_the_users_own_is_used_where_it_lies_and_never_removed(tmp_path: Path) -> None:
    own = tmp_path / "mine.onnx"
    spec = spec_of(tmp_path, {"path": "mine.onnx"})
    with pytest.raises(ModelError, match=r"mine\.onnx isn't there: correct path in .*mine\.yaml"):
        fetch(spec, tmp_path / "data")
    own.write_bytes(b"x")
    assert fetch(spec, tmp_path / "data") == (own,)
    remove(spec, tmp_path / "data")
    assert own.is_file()


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, known())
    (tmp_path / "mine").write_text("a file where the folder should be")
    with serving(Mirror({"weights.onnx": WEIGHTS})) as mirror, pytest.raises(ModelError, match="can't be written"):
        fetch(spec, tmp_path, Source(mirror.url))
