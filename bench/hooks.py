"""What Stash waits for at each hook: wall and processor time of the process that it starts, in milliseconds.

``python bench/hooks.py [PYTHON]``, on an idle machine; PYTHON is the one that Stash would start (default: this one).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger.light.spool import Spool  # noqa: E402
from tests.double import StashDouble  # noqa: E402

_TIMES = 50


def main(python: str) -> None:
    start = [python, "-I", "-S"]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "ai_tagger").mkdir()
        spool = Spool(str(home / "ai_tagger"), folder)
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "AI_TAGGER_PYTHON": sys.executable}
        with StashDouble(home) as stash:

            def hook(kind: str, given: Any = None) -> tuple[float, float]:
                context = {"id": 7, "type": kind, "input": given}
                server = _server(stash, folder)
                said = json.dumps(
                    {"server_connection": server, "args": {"hookContext": context}}, separators=(",", ":")
                )
                return _once([*start, str(ROOT / "ai_tagger.py")], said.encode(), environment)

            def queued() -> tuple[float, float]:
                spool.stay_awake()
                return hook("Image.Create.Post")

            def first() -> tuple[float, float]:
                spool.unclaim()
                return hook("Image.Create.Post")

            nothing = [*start, "-c", "import sys; sys.stdin.buffer.read()"]
            _show("a Python that does nothing", lambda: _once(nothing, b"{}", environment))
            _show("an edit by somebody", lambda: hook("Scene.Update.Post", {"id": "7"}))
            _show("a new item, a run is queued", queued)
            _show("the first of a minute, asks Stash", first)


def _server(stash: StashDouble, folder: str) -> dict[str, Any]:
    connection = stash.plugin_connection
    host, _, port = connection.base_url.partition("//")[2].partition(":")
    cookie = {"Name": connection.cookie_name, "Value": connection.cookie.reveal()}
    return {"Scheme": "http", "Host": host, "Port": int(port), "SessionCookie": cookie, "Dir": folder, "PluginDir": ""}


def _once(command: list[str], payload: bytes, environment: dict[str, str]) -> tuple[float, float]:
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
    assert process.stdin is not None
    process.stdin.write(payload)
    process.stdin.close()
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return (time.perf_counter() - began) * 1000, (used.ru_utime + used.ru_stime) * 1000


def _show(what: str, once: Callable[[], tuple[float, float]]) -> None:
    walls, cpus = zip(*(once() for _ in range(_TIMES)), strict=True)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    sys.stdout.write(f"{what:34} {wall:5.1f} ms wall (least {min(walls):.1f}), {cpu:5.1f} ms of a processor\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else sys.executable)
