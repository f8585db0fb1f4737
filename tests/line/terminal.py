"""``ai_tagger.py`` as a person starts it in a terminal: its own process, a data folder of its own, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.line.conftest import NO_MODELS, ROOT

NOWHERE = "http://127.0.0.1:9"  # a proxy that refuses: whoever asks the network gets an error at once


@dataclass(frozen=True)
class Ended:
    """What a command left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Terminal:
    """Commands on one data folder. ``config`` is written to its ``config.yml`` ("" = none)."""

    data: Path
    mirror: Path
    config: str = NO_MODELS
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if self.config:
            (self.data / "config.yml").write_text(self.config)

    @property
    def environment(self) -> dict[str, str]:
        own = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TEMP") if name in os.environ}
        own |= {"AI_TAGGER_PYTHON": sys.executable, "AI_TAGGER_MIRROR": str(self.mirror)}
        own |= {
            "AI_TAGGER_DATA": str(self.data),
            "http_proxy": NOWHERE,
            "https_proxy": NOWHERE,
            "no_proxy": "127.0.0.1",
        }
        return own | self.more

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, str(ROOT / "ai_tagger.py"), *map(str, arguments)]
        return subprocess.Popen(
            command,
            env=self.environment,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str | Path, timeout_s: float = 90.0) -> Ended:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=timeout_s)
        assert "Traceback" not in err, err
        return Ended(process.returncode, out, err)


def sentence(ended: Ended) -> str:
    """The one sentence that a command which could not run ends with."""
    assert ended.code == 2, (ended.code, ended.out, ended.err)
    lines = ended.err.strip().splitlines()
    assert lines, "it says why"
    assert lines[-1].endswith("."), lines[-1]
    return lines[-1]
