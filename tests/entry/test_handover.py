"""A task or a command reaches the heavy half, whole, in the process that Stash will kill."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.entry.installed import ROOT, Installed, answer


@pytest.mark.parametrize("size", [0, 60_000, 70_000, 5_000_000])
def test_the_input_arrives_whole(installed: Installed, size: int) -> None:
    payload = installed.payload(mode="tag", filler="x" * size)
    code, out, err = installed.run(payload=payload)
    assert (code, err) == (0, "")
    heard = answer(out)["output"]
    assert heard["sha256"] == hashlib.sha256(payload).hexdigest()
    assert heard["isolated"]


def test_the_session_is_no_argument_and_not_in_the_environment(installed: Installed) -> None:
    _, out, _ = installed.run(payload=installed.payload(mode="tag"))
    heard = answer(out)["output"]
    assert "SECRET-COOKIE" not in json.dumps([heard["arguments"], heard["environment"]])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no exec on Windows")
def test_the_kill_of_stash_hits_the_worker_itself(installed: Installed) -> None:
    process = installed.start(payload=installed.payload(mode="tag", sleep=600))
    heard = installed.stash_dir / "heard.json"
    deadline = time.monotonic() + 60
    while not heard.exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    worker = json.loads(heard.read_text())["pid"]
    assert worker == process.pid
    process.kill()
    process.communicate(timeout=10)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_command_goes_on_with_its_arguments(installed: Installed) -> None:
    code, out, err = installed.run("look", "a b.jpg", "--json")
    assert (code, err) == (0, "")
    assert answer(out)["arguments"] == ["look", "a b.jpg", "--json"]


def test_a_file_in_the_data_folder_names_a_python_too(bare: Installed) -> None:
    bare.data.mkdir()
    (bare.data / "python").write_text(sys.executable + "\n")
    code, out, err = bare.run("status", "--data", str(bare.data))
    assert (code, err) == (0, "")
    assert answer(out)["executable"] == sys.executable


def test_a_named_python_that_is_not_there_is_one_sentence(installed: Installed) -> None:
    installed.environment["AI_TAGGER_PYTHON"] = "/nowhere/python"
    code, out, err = installed.run("status")
    assert (code, out) == (2, "")
    assert "/nowhere/python" in err and len(err.splitlines()) == 1
    code, out, err = installed.run(payload=installed.payload(mode="tag"))
    assert "/nowhere/python" in answer(out)["error"]
    assert err.startswith("\x01e\x02")


@pytest.mark.parametrize("payload", [b"{", b"null", b"[1]", b'{"server_connection":{},"args":{"k":"SECRET-COOKIE"}}'])
def test_input_that_is_not_stashs_is_refused_without_quoting_it(installed: Installed, payload: bytes) -> None:
    _, out, err = installed.run(payload=payload)
    assert "isn't Stash's" in answer(out)["error"]
    assert "SECRET" not in out + err


def test_help_needs_no_set_up(bare: Installed) -> None:
    code, out, _ = bare.run()
    assert code == 0
    assert "demo" in out
    assert not bare.data.exists()


def _old_pythons() -> list[str]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [str(path) for path in sorted(root.glob("*/bin/python")) if path.exists()]
    found += [path for path in map(shutil.which, ("python2.7", "python3.8", "python3.9", "python3.10")) if path]
    old: dict[str, str] = {}
    for python in found:
        asked = subprocess.run(
            [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0 and tuple(map(int, asked.stdout.strip().split("."))) < (3, 11):
            old.setdefault(asked.stdout.strip(), python)
    return list(old.values())


def test_old_pythons_say_what_is_needed(bare: Installed) -> None:
    pythons = _old_pythons()
    if not pythons:
        pytest.skip("no Python older than 3.11 on this machine")
    for python in pythons:
        script = str(bare.folder / "ai_tagger.py")
        typed = subprocess.run([python, script, "check"], capture_output=True, text=True, check=False)
        assert typed.returncode == 2
        assert re.fullmatch(r"AI Tagger needs Python 3\.11 or newer, and this is Python .*\n", typed.stderr), python
        task = subprocess.run([python, script], input=bare.payload(mode="tag"), capture_output=True, check=False)
        assert "needs Python 3.11" in answer(task.stdout.decode())["error"]
        hook = subprocess.run([python, script], input=bare.hook("Image.Create.Post"), capture_output=True, check=False)
        assert (answer(hook.stdout.decode()), hook.stderr) == ({"output": "ok"}, b"")


def test_the_entry_needs_nothing_that_old_pythons_lack() -> None:
    import ast

    ast.parse((ROOT / "ai_tagger.py").read_text(), feature_version=(3, 4))
