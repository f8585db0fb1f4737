"""An installed copy of the plugin whose heavy half is a few lines that say what reached them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.double.jobs import as_go_writes

ROOT = Path(__file__).resolve().parents[2]

HEAVY = """
import hashlib, json, os, sys, time
from pathlib import Path

def heard(payload):
    return {"pid": os.getpid(), "executable": sys.executable, "arguments": sys.argv, "environment": dict(os.environ),
            "sha256": hashlib.sha256(payload).hexdigest(), "isolated": sys.flags.isolated}

def main(payload, root):
    given = json.loads(payload)
    data = Path(given["server_connection"]["Dir"])
    args = given["args"]
    if args.get("mode") == "new":
        from tagger.light.spool import Spool
        spool = Spool(str(data / "ai_tagger"), str(data))
        served = []
        while True:
            for entry in spool.take(2):
                served.append(f"{entry.ref.kind} {entry.ref.id}")
                entry.done()
            if not spool.waiting() and spool.finish():
                break
        with (data / "served").open("a") as file:
            file.writelines(line + "\\n" for line in served)
    (data / "heard.new").write_text(json.dumps(heard(payload)))
    (data / "heard.new").rename(data / "heard.json")
    time.sleep(float(args.get("sleep", 0)))
    print(json.dumps({"output": heard(payload)}))
    return 0
"""

CLI = """
import json, sys

def main(arguments):
    print(json.dumps({"executable": sys.executable, "arguments": arguments}))
    return 0
"""


@dataclass
class Installed:
    """``folder`` is the plugin's, ``stash_dir`` Stash's own; ``data`` is where our data land."""

    folder: Path
    stash_dir: Path
    environment: dict[str, str]
    python: str = sys.executable

    @property
    def data(self) -> Path:
        return self.stash_dir / "ai_tagger"

    def start(
        self, *arguments: str, payload: bytes | None = None, options: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """In a terminal with ``arguments``, or as Stash does with ``payload``."""
        command = [self.python, "-I", "-S", *options, str(self.folder / "ai_tagger.py"), *arguments]
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL if payload is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if payload is not None:
            assert process.stdin
            process.stdin.write(payload)
            process.stdin.close()
            process.stdin = None
        return process

    def run(self, *arguments: str, payload: bytes | None = None, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
        process = self.start(*arguments, payload=payload, options=options)
        out, err = process.communicate(timeout=240)
        return process.returncode, out.decode(), err.decode()

    def payload(self, **args: Any) -> bytes:
        """What Stash writes to stdin for these arguments."""
        server = {
            "Scheme": "http",
            "Host": "0.0.0.0",
            "Port": 9,
            "SessionCookie": {"Name": "session", "Value": "SECRET-COOKIE"},
            "Dir": str(self.stash_dir),
            "PluginDir": str(self.folder),
        }
        return as_go_writes({"server_connection": server, "args": args})

    def hook(self, trigger: str, given: Any = None, id: int = 1) -> bytes:
        return self.payload(hookContext={"id": id, "type": trigger, "input": given})


def install(to: Path) -> Installed:
    """A copy of the light half in ``to``, with the pinned requirements, and no environment."""
    folder = to / "plugins" / "ai_tagger"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tagger" / "light", folder / "tagger" / "light", ignore=ignored)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in (
        "ai_tagger.py",
        "ai_tagger.yml",
        *(f"tagger/{n}.py" for n in ("__init__", "__main__", "types", "errors")),
    ):
        shutil.copy(ROOT / name, folder / name)
    (folder / "tagger" / "plugin.py").write_text(HEAVY)
    (folder / "tagger" / "cli.py").write_text(CLI)
    stash_dir = to / "stash"
    stash_dir.mkdir()
    ours = ("AI_TAGGER_", "PYTHON", "UV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # With pip, so that its settings decide; uv would take its own.
    path = [part for part in environment["PATH"].split(os.pathsep) if not (Path(part) / "uv").exists()]
    return Installed(folder, stash_dir, {**environment, "PATH": os.pathsep.join(path), "HOME": str(to)})


def only_a_toy(installed: Installed, block: Path, content: str = "") -> None:
    """Replace what the environment holds by one toy package, taken from a folder, without any network. While ``block``
    exists, the set-up hangs where it tries what it has installed."""
    shelf = installed.folder.parent.parent / "wheels"
    shelf.mkdir(exist_ok=True)
    wheel = shelf / "toy-1.0-py3-none-any.whl"
    code = f"import os, time\nwhile os.path.exists({str(block)!r}):\n    time.sleep(0.02)\n{content}"
    about = "toy-1.0.dist-info"
    files = {
        "toy.py": code,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{about}/RECORD": record}.items():
            archive.writestr(name, text)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    from tagger.light import machine

    head = f"# megabytes {machine.look().platform} 1\n# imports toy\n"
    for name in ("cpu", "gpu", "gpu12", "openvino", "directml", "musl"):
        (installed.folder / "requirements" / f"{name}.txt").write_text(f"{head}toy==1.0 --hash=sha256:{digest}\n")
    installed.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf)}


def answer(out: str) -> Any:
    return json.loads(out)
