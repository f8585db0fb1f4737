"""Getting packages into the environment: with ``uv`` where it is, else with a pip from wherever there is one.

A Debian without python3-venv has the ``venv`` module and no pip to put in; so the environment is always made without
one, and a pip from outside is run by the environment's own Python.
"""

from __future__ import annotations

import configparser
import glob
import hashlib
import html
import importlib.util
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from urllib.parse import urljoin, urlsplit

from tagger.errors import SetupError
from tagger.light.log import StashLog, TerminalLog
from tagger.light.processes import ask
from tagger.light.requirements import Requirements

_INDEX = "https://pypi.org/simple"
_TAIL = 40


def hosts(environment: Mapping[str, str] = os.environ) -> str:
    """Where packages come from, for a person."""
    if _local(environment):
        return "this machine's own package folder"
    host = urlsplit(_setting("index-url", environment) or _INDEX).hostname or "the package index"
    return "pypi.org and files.pythonhosted.org" if host == "pypi.org" else host


def _local(environment: Mapping[str, str]) -> bool:
    return _setting("no-index", environment).lower() in ("1", "true", "yes", "on")


def install(python: str, requirements: Requirements, scratch: str, log: StashLog | TerminalLog, lock: int) -> None:
    """Put exactly these packages into the environment of ``python``, every file checked by its hash.

    ``scratch`` is a folder that is thrown away; ``lock`` a descriptor that the installing process keeps open.
    Raises SetupError.
    """
    uv = shutil.which("uv")
    options = ["--no-deps", "--require-hashes", "-r", requirements.path]
    if uv:
        code, said = _run([uv, "pip", "install", "--python", python, *options], requirements, log, lock)
        if code == 0:
            return
        log.say("uv couldn't; trying again with pip.")
    # Only wheels: building from source needs compilers, and runs code of strangers.
    options = ["--only-binary=:all:", "--no-input", "--progress-bar=off", "--disable-pip-version-check", *options]
    code, said = _run([*_pip(python, requirements, scratch), "install", *options], requirements, log, lock)
    if code != 0:
        raise SetupError(_sentence(said))


def _run(
    command: Sequence[str], requirements: Requirements, log: StashLog | TerminalLog, lock: int
) -> tuple[int, list[str]]:
    """Run an installer, passing on what it downloads; its exit code and last lines."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    index = _setting("index-url", os.environ)
    if index and not {"UV_INDEX_URL", "UV_DEFAULT_INDEX"} & environment.keys():
        environment["UV_DEFAULT_INDEX"] = index  # uv doesn't read pip's settings.
    if sys.platform == "win32":
        from tagger.light.handover import tie_children_to_us

        tie_children_to_us()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        pass_fds=() if sys.platform == "win32" else (lock,),
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - we have one thread
    )
    said: list[str] = []
    begun = 0
    for line in child.stdout or ():
        said = [*said[-_TAIL:], line.strip()]
        if re.match(r"\s*(Downloading|Using cached|Downloaded) \S", line):
            # pip names a whole file: numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl (16.9 MB)
            log.say("  " + re.sub(r"(\S+?)-(\d[^-\s]*)-\S+\.whl", r"\1 \2", " ".join(line.split()))[:200])
        if re.match(r"\s*(Collecting|Downloaded|Requirement already satisfied)\b", line):
            begun += 1
            log.at(min(begun, requirements.packages), requirements.packages + 1)
    return child.wait(), said


def _die_with_parent() -> None:
    """Linux: Stash's kill reaches only us, and an installer that lived on would write into what the next one makes."""
    import ctypes
    import signal

    set_death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def _sentence(said: Sequence[str]) -> str:
    """What went wrong, in one sentence, from an installer's last lines."""
    text = "\n".join(said)
    known = {
        "No space left on device|Errno 28|disk quota": (
            "The disk is full: make room in the data folder and in the temporary folder (TMPDIR names another one), "
            "then run Set up again."
        ),
        "DO NOT MATCH THE HASHES|Hash mismatch": (
            "A package isn't the one that was pinned (its hash differs): try again; if it stays, the package index or "
            "a proxy on the way changes files."
        ),
        "CERTIFICATE_VERIFY_FAILED|invalid peer certificate": (
            "The package index's certificate isn't trusted: name your proxy's certificate with PIP_CERT."
        ),
        "ProxyError|407 Proxy": "The proxy refuses: check HTTPS_PROXY.",
        "not known|name resolution|getaddrinfo|ConnectionError|NewConnectionError|Connection refused|unreachable"
        "|timed out|Could not find a version|No matching distribution": (
            f"The packages can't be had from {hosts()}: check the network (HTTPS_PROXY for a proxy, PIP_INDEX_URL for "
            "another index), then run Set up again."
        ),
        "Permission denied": "There is no right to write into the data folder: give it to the user that runs this.",
    }
    for pattern, sentence in known.items():
        if re.search(pattern, text, re.IGNORECASE):
            return sentence
    last = next((line for line in reversed(said) if re.search("error", line, re.IGNORECASE)), said[-1] if said else "")
    return f"The packages couldn't be installed ({last[:300]}): run Set up again."


# ---------------------------------------------------------------- a pip


def _pip(python: str, requirements: Requirements, scratch: str) -> list[str]:
    """How to run a pip that installs into the environment of ``python``."""
    wheel = _wheel_here() or ""
    if not wheel and _runs_pip():
        return [sys.executable, "-I", "-m", "pip", "--python", python]
    if not wheel:
        wheel = download_pip(os.path.join(os.path.dirname(requirements.path), "pip.txt"), scratch)
    return [python, "-I", os.path.join(wheel, "pip")]


def _wheel_here() -> str | None:
    """The pip wheel that comes with Python, or that Debian keeps for all."""
    spec = importlib.util.find_spec("ensurepip")
    folders = [os.path.join(place, "_bundled") for place in (spec and spec.submodule_search_locations) or ()]
    for folder in [*folders, "/usr/share/python-wheels", "/usr/share/python3-wheels"]:
        wheels = sorted(glob.glob(os.path.join(folder, "pip-*.whl")))
        if wheels:
            return wheels[-1]
    return None


def _runs_pip() -> bool:
    """Whether this Python has a pip that knows ``--python`` (22.3)."""
    code, out, _ = ask([sys.executable, "-I", "-m", "pip", "--version"])
    version = re.match(r"pip (\d+)\.(\d+)", out)
    return bool(code == 0 and version and (int(version[1]), int(version[2])) >= (22, 3))


def download_pip(pin: str, scratch: str, environment: Mapping[str, str] = os.environ) -> str:
    """The pip wheel that the file ``pin`` names, from the package index, checked; its path. Raises SetupError."""
    with open(pin, encoding="utf-8") as file:
        text = file.read()
    version = re.search(r"^pip==(\S+)", text, re.MULTILINE)
    name = f"pip-{version[1] if version else ''}-py3-none-any.whl"
    index = (_setting("index-url", environment) or _INDEX).rstrip("/") + "/pip/"
    certificate = _setting("cert", environment)
    try:
        context = ssl.create_default_context(cafile=certificate or None)
        with urllib.request.urlopen(index, timeout=60, context=context) as answer:  # noqa: S310
            page = answer.read().decode("utf-8", "replace")
        link = re.search(rf'href="([^"]*/)?({re.escape(name)})[^"]*"', page)
        if link is None:
            raise SetupError(f"The package index at {hosts(environment)} has no {name}: install python3-venv, or uv.")
        address = urljoin(index, html.unescape(link[0][6:-1]))
        with urllib.request.urlopen(address, timeout=60, context=context) as answer:  # noqa: S310
            content = answer.read()
    except (OSError, ValueError) as e:
        reason = getattr(e, "reason", None) or type(e).__name__
        raise SetupError(
            f"This Python has no pip, and {hosts(environment)} can't be reached for one ({reason}): check the "
            "network, or install python3-venv, or uv."
        ) from None
    if f"sha256:{hashlib.sha256(content).hexdigest()}" not in text:
        raise SetupError(
            f"{name} from {hosts(environment)} isn't the one that was pinned (its hash differs): try again."
        )
    path = os.path.join(scratch, name)
    with open(path, "wb") as wheel:
        wheel.write(content)
    return path


def _setting(name: str, environment: Mapping[str, str]) -> str:
    """One of pip's own settings: from the environment, else from its configuration files; "" when unset."""
    said = environment.get("PIP_" + name.upper().replace("-", "_"), "")
    if said:
        return said
    home = os.path.expanduser("~")
    files = ["/etc/pip.conf", f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf"]
    if sys.platform == "win32":
        files = [os.path.join(environment.get(v, ""), "pip", "pip.ini") for v in ("PROGRAMDATA", "APPDATA")]
    if sys.platform == "darwin":
        files.insert(0, "/Library/Application Support/pip/pip.conf")
        files.append(f"{home}/Library/Application Support/pip/pip.conf")
    parser = configparser.RawConfigParser()
    try:
        parser.read([*files, environment.get("PIP_CONFIG_FILE", "")])
    except (configparser.Error, UnicodeDecodeError):
        return ""
    return parser.get("install", name, fallback="") or parser.get("global", name, fallback="")
