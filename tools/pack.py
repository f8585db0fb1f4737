"""Packs the plugin for Stash's plugin manager: ``python tools/pack.py`` fills ``dist/``.

``ai_tagger.zip`` is unpacked by Stash right into ``plugins/ai_tagger``; ``index.yml`` is the package source to enter in
Stash. Stash loads every ``.yml`` in its plugins folder as a plugin, so the manifest is the only one in the zip: the
example configuration is packed as ``.yaml``. Stash sees an update by the entry's date alone. Any Python 3.11 will do;
the same files give the same zip.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SHIPPED = (
    "ai_tagger.py",
    "ai_tagger.yml",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "models",
    "requirements",
    "tagger",
    "ui",
)
SUFFIXES = {".py", ".yml", ".yaml", ".json", ".txt", ".html", ".css", ".js", ".sql", ".md", ""}
LEFT_OUT = {"requirements/dev.txt"}
RENAMED = {"config.example.yml": "config.example.yaml"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Packs the plugin for Stash's plugin manager.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist", help="where to (default: %(default)s)")
    target: Path = parser.parse_args().folder
    manifest = (ROOT / "ai_tagger.yml").read_text("utf-8")
    about = {key: re.search(rf"^{key}: (.+)$", manifest, re.MULTILINE) for key in ("name", "description", "version")}
    said = {key: found[1].strip() if found else "" for key, found in about.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    if said["version"] != project["version"]:
        sys.exit(f"ai_tagger.yml says version {said['version']}, pyproject.toml {project['version']}: make them one.")

    target.mkdir(parents=True, exist_ok=True)
    archive = target / "ai_tagger.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, path in sorted(shipped().items()):
            entry = zipfile.ZipInfo(name)  # Dated 1980: a file's own date would change the zip.
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())
    # JSON strings are YAML too.
    (target / "index.yml").write_text(
        "- id: ai_tagger\n"
        f"  name: {json.dumps(said['name'])}\n"
        "  metadata:\n"
        f"    description: {json.dumps(said['description'])}\n"
        f"  version: {json.dumps(said['version'])}\n"
        f"  date: {json.dumps(_date())}\n"
        f"  path: {archive.name}\n"
        f"  sha256: {hashlib.sha256(archive.read_bytes()).hexdigest()}\n"
        "  requires: []\n",
        "utf-8",
    )
    sys.stderr.write(f"{archive} ({archive.stat().st_size // 1000} kB), {target / 'index.yml'}\n")
    return 0


def shipped() -> dict[str, Path]:
    """The packed files: name in the zip → file here."""
    files = {packed: ROOT / name for name, packed in RENAMED.items() if (ROOT / name).is_file()}
    for top in SHIPPED:
        for path in [ROOT / top, *(ROOT / top).rglob("*")]:
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and path.suffix in SUFFIXES and name not in LEFT_OUT and not path.name.startswith("."):
                files[name] = path
    return files


def _date() -> str:
    """When what is packed came about: the last commit, or now with changes that aren't committed."""
    moment = datetime.now(UTC)
    try:
        paths = [*SHIPPED, *RENAMED]
        if not _git("status", "--porcelain", "--", *paths):
            moment = datetime.fromtimestamp(int(_git("log", "-1", "--format=%ct", "--", *paths)), UTC)
    except (OSError, ValueError, subprocess.CalledProcessError):
        pass  # No git, or no repository: an unpacked source.
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
