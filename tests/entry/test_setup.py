"""The private environment: made once, repaired when interrupted, never by two at once, every failure one sentence."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.errors import SetupError
from tagger.light import packages
from tests.double import StashDouble
from tests.entry.installed import Installed, answer, install, only_a_toy


@pytest.fixture
def block(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "block"
    (tmp_path / "block").unlink(missing_ok=True)


@pytest.fixture
def toy(bare: Installed, block: Path) -> Installed:
    only_a_toy(bare, block)
    return bare


def _setup(toy: Installed) -> subprocess.Popen[bytes]:
    return toy.start("tag", "--data", str(toy.data))


def _until_blocked(toy: Installed, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not list((toy.data / "env.building").rglob("toy.py")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)


def test_a_task_that_needs_the_set_up_runs_it_first_and_once(toy: Installed) -> None:
    payload = toy.payload(mode="tag")
    code, out, err = toy.run(payload=payload)
    assert code == 0
    heard = answer(out)["output"]
    assert Path(heard["executable"]).is_relative_to(toy.data / "env")
    assert heard["sha256"] == hashlib.sha256(payload).hexdigest()
    lines = err.splitlines()
    assert all(line.startswith(("\x01i\x02", "\x01p\x02")) for line in lines)
    assert "about 1 MB from this machine's own package folder" in lines[0]
    assert toy.run(payload=payload)[2] == "", "the second time there is nothing to make"
    assert sorted(path.name for path in toy.data.iterdir()) == ["env", "env.lock"]


def test_check_makes_nothing(toy: Installed) -> None:
    code, out, _ = toy.run("check", "--data", str(toy.data))
    assert code == 2
    assert "Set up downloads about 1 MB" in out
    _, out, err = toy.run(payload=toy.payload(mode="check"))
    assert "Set up downloads" in answer(out)["output"] and "Set up downloads" in err
    assert not toy.data.exists()


def test_an_interrupted_set_up_repairs_itself(toy: Installed, block: Path) -> None:
    block.touch()
    process = _setup(toy)
    _until_blocked(toy, process)
    process.kill()
    process.communicate()
    assert not (toy.data / "env").exists()
    block.unlink()
    code, _, err = toy.run("tag", "--data", str(toy.data))
    assert code == 0, err
    assert not (toy.data / "env.building").exists()


def test_two_at_once_wait_for_each_other(toy: Installed, block: Path) -> None:
    block.touch()
    first = _setup(toy)
    _until_blocked(toy, first)
    second = _setup(toy)
    assert second.stderr
    assert b"Waiting for another set-up" in second.stderr.readline()
    block.unlink()
    assert first.communicate(timeout=60)[1].count(b"Making") == 1
    assert second.communicate(timeout=60)[1].count(b"Making") == 0
    assert (first.returncode, second.returncode) == (0, 0)


def test_other_requirements_make_another_environment_and_keep_the_old_until_then(toy: Installed, block: Path) -> None:
    assert toy.run("tag", "--data", str(toy.data))[0] == 0
    only_a_toy(toy, block, content="raise ImportError('this one is broken')\n")
    code, _, err = toy.run("tag", "--data", str(toy.data))
    assert code == 2
    assert "this one is broken" in err.splitlines()[-1]
    assert (toy.data / "env" / "ready.json").exists()
    only_a_toy(toy, block, content="version = 2\n")
    code, _, err = toy.run("tag", "--data", str(toy.data))
    assert code == 0, err
    assert "Making" in err


def test_an_environment_whose_python_is_gone_is_made_again(toy: Installed) -> None:
    assert toy.run("tag", "--data", str(toy.data))[0] == 0
    python = toy.data / "env" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    code, _, err = toy.run("tag", "--data", str(toy.data))
    assert code == 0, err
    assert "Making" in err


def test_set_up_again_repairs_what_is_broken(toy: Installed) -> None:
    assert toy.run("setup", "--data", str(toy.data))[0] == 0
    next((toy.data / "env").rglob("toy.py")).unlink()
    code, _, err = toy.run("setup", "--data", str(toy.data))
    assert code == 0
    assert "Making" in err
    assert "complete" in toy.run("setup", "--data", str(toy.data))[2]


def test_a_package_that_is_not_the_pinned_one_is_refused(toy: Installed) -> None:
    wheel = next(Path(toy.environment["PIP_FIND_LINKS"]).iterdir())
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    code, _, err = toy.run("tag", "--data", str(toy.data))
    assert code == 2
    assert "isn't the one that was pinned" in err.splitlines()[-1]


def test_no_network_is_one_sentence(toy: Installed) -> None:
    del toy.environment["PIP_NO_INDEX"], toy.environment["PIP_FIND_LINKS"]
    toy.environment |= {"PIP_INDEX_URL": "http://me:SECRET@127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    code, _, err = toy.run("tag", "--data", str(toy.data))
    assert code == 2
    assert "can't be had from 127.0.0.1" in err.splitlines()[-1]
    assert "SECRET" not in err


def test_a_data_folder_that_cant_be_is_one_sentence(toy: Installed, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = toy.run("tag", "--data", str(tmp_path / "file" / "data"))
    assert code == 2
    assert "--data" in err and len(err.splitlines()) == 1


def test_an_unknown_device_names_the_known_ones(toy: Installed) -> None:
    code, _, err = toy.run("setup", "--data", str(toy.data), "--device", "gpu9000")
    assert code == 2
    assert "'gpu9000'" in err and "cuda" in err


def test_set_up_in_stash_reads_the_device_from_its_page(toy: Installed) -> None:
    with StashDouble(toy.stash_dir, toy.folder, python=sys.executable, environment=toy.environment) as stash:
        stash.settings["device"] = "gpu9000"
        stash.run_task("Set up")
        assert "'gpu9000'" in str(stash.outputs[-1][1])
        stash.settings["device"] = "CPU"
        stash.run_task("Set up")
        assert stash.outputs[-1][1] is None
        assert json.loads((toy.data / "env" / "ready.json").read_text())["device"] == "cpu"


# ---------------------------------------------------------------- a Python without pip


class _Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = b'<a href="../../files/pip-9.9-py3-none-any.whl#sha256=0">pip</a>'
        content = {"/simple/pip/": page, "/files/pip-9.9-py3-none-any.whl": b"a wheel"}.get(self.path)
        self.send_response(200 if content else 404)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def test_pip_comes_from_the_index_that_pip_is_told(tmp_path: Path, index: str) -> None:
    pin = tmp_path / "pip.txt"
    pin.write_text(f"pip==9.9 \\\n    --hash=sha256:{hashlib.sha256(b'a wheel').hexdigest()}\n")
    wheel = packages.download_pip(str(pin), str(tmp_path), {"PIP_INDEX_URL": index})
    assert Path(wheel).read_bytes() == b"a wheel"
    pin.write_text(f"pip==9.9 \\\n    --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SetupError, match="isn't the one that was pinned"):
        packages.download_pip(str(pin), str(tmp_path), {"PIP_INDEX_URL": index})
    pin.write_text("pip==9.8\n")
    with pytest.raises(SetupError, match=r"has no pip-9\.8"):
        packages.download_pip(str(pin), str(tmp_path), {"PIP_INDEX_URL": index})
    with pytest.raises(SetupError, match="can't be reached"):
        packages.download_pip(str(pin), str(tmp_path), {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"})


# ---------------------------------------------------------------- the real one


def _index_answers() -> bool:
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    try:
        with urllib.request.urlopen(f"{index.rstrip('/')}/pip/", timeout=10):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.slow
def test_the_real_environment(tmp_path: Path) -> None:
    if not _index_answers():
        pytest.skip("the package index can't be reached")
    real = install(tmp_path)
    code, out, err = real.run("tag", "--data", str(real.data), "--device", "cpu")
    assert code == 0, err
    assert Path(answer(out)["executable"]).is_relative_to(real.data / "env")
    python = real.data / "env" / "bin" / "python"
    code_ = "import onnxruntime, cv2, av; print(onnxruntime.get_available_providers())"
    done = subprocess.run([python, "-I", "-c", code_], capture_output=True, text=True, check=True)
    assert "CPUExecutionProvider" in done.stdout
