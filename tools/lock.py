"""Pins what the environments hold: ``python tools/lock.py`` writes ``requirements/*.txt`` from pyproject.toml.

Each file is complete for one kind of machine, with the hash of every wheel. Its first lines are read by the set-up
(``tagger/light/requirements.py``): how many megabytes each system downloads, and what has to be importable afterwards.
Needs ``uv`` and the development environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
INDEX = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"

IMPORTS = "av cv2 faiss numpy onnxruntime PIL pillow_heif pydantic requests stashapi.classes yaml"
SYSTEM_PACKAGES = ["numpy", "opencv-python-headless"]
"""What Alpine has itself, and the package index has not for it."""

PLANS = {"cpu": "cpu", "gpu": "gpu", "gpu12": "gpu12", "openvino": "openvino", "directml": "directml", "musl": ""}

PLATFORMS = {
    "linux-x86_64": ("linux", "Linux", "x86_64", r"(manylinux.*_x86_64|any)$"),
    "linux-aarch64": ("linux", "Linux", "aarch64", r"(manylinux.*_aarch64|any)$"),
    "musl-x86_64": ("linux", "Linux", "x86_64", r"(musllinux.*_x86_64|any)$"),
    "musl-aarch64": ("linux", "Linux", "aarch64", r"(musllinux.*_aarch64|any)$"),
    "darwin-arm64": ("darwin", "Darwin", "arm64", r"(macosx_.*_(arm64|universal2)|any)$"),
    "darwin-x86_64": ("darwin", "Darwin", "x86_64", r"(macosx_.*_(x86_64|universal2)|any)$"),
    "windows-x86_64": ("win32", "Windows", "AMD64", r"(win_amd64|any)$"),
}


def main() -> None:
    if not shutil.which("uv"):
        sys.exit("tools/lock.py needs uv on the PATH: python -m pip install uv, or https://docs.astral.sh/uv.")
    folder = ROOT / "requirements"
    folder.mkdir(exist_ok=True)
    for plan, extra in PLANS.items():
        options = ["--extra", extra] if extra else []
        if plan == "musl":
            options += [part for name in SYSTEM_PACKAGES for part in ("--no-emit-package", name)]
        lines = _compile("pyproject.toml", *options)
        head = [f"# megabytes {name} {size}" for name, size in _megabytes(lines, plan).items()]
        _write(folder / f"{plan}.txt", [*head, f"# imports {IMPORTS}", *lines])
    dev = _compile("pyproject.toml", "--extra", "dev", "--no-emit-package", "ai-tagger")
    _write(folder / "dev.txt", dev)
    # For a Python without pip: the set-up fetches exactly this wheel.
    pip = _compile("-", given="pip")
    _write(folder / "pip.txt", pip)


def _compile(source: str, *options: str, given: str | None = None) -> list[str]:
    command = ["uv", "pip", "compile", "--universal", "--generate-hashes", "--python-version", "3.11"]
    command += ["--no-header", "--no-annotate", "--quiet", *options, source]
    done = subprocess.run(command, cwd=ROOT, input=given, text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout.splitlines()


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(["# Written by tools/lock.py from pyproject.toml.", *lines, ""]), encoding="utf-8")
    sys.stderr.write(f"{path.relative_to(ROOT)}\n")


def _megabytes(lines: list[str], plan: str) -> dict[str, int]:
    """What each platform downloads; a platform that lacks a wheel is left out."""
    sizes = {}
    for name, (sys_platform, system, machine, wheels) in PLATFORMS.items():
        if name.startswith("musl") != (plan == "musl"):
            continue
        facts = {"sys_platform": sys_platform, "platform_system": system, "platform_machine": machine}
        total: float | None = 0.0
        for line in lines:
            pin = re.match(r"([\w.-]+)==(\S+)(?: ; (.*?))?(?: \\)?$", line)
            if pin is None or (pin[3] and not Marker(pin[3]).evaluate({**facts, **_PYTHON})):
                continue
            size = max((f["size"] for f in _files(pin[1]) if _fits(f["filename"], pin[2], wheels)), default=None)
            total = None if size is None or total is None else total + size
        if total is not None:
            sizes[name] = round(total / 1e6)
    return sizes


_PYTHON = {"python_full_version": "3.12.0", "python_version": "3.12", "os_name": "posix"}


def _fits(filename: str, version: str, wheels: str) -> bool:
    try:
        _, of, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return False
    fits_python = any(tag.interpreter in ("cp312", "py3") or "abi3" in tag.abi for tag in tags)
    return str(of) == version and fits_python and any(re.match(wheels, tag.platform) for tag in tags)


def _files(name: str, known: dict[str, list[dict[str, Any]]] = {}) -> list[dict[str, Any]]:  # noqa: B006
    if name not in known:
        accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
        with urllib.request.urlopen(urllib.request.Request(f"{INDEX}/{name}/", headers=accept)) as answer:  # noqa: S310
            known[name] = json.load(answer)["files"]
    return known[name]


if __name__ == "__main__":
    main()
