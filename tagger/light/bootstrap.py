"""The set-up's first half: making the private environment in the data folder, so that nobody's Python is touched.

It is built as ``env.building``, gets its marker last, and only then takes the place of ``env``: whatever interrupts it,
the next one starts from a clean state, and what worked before goes on working.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tagger.errors import SetupError, TaggerError
from tagger.light import environment, lock, machine, packages, requirements
from tagger.light.log import StashLog, TerminalLog
from tagger.light.processes import ask
from tagger.light.usable import NEEDS, is_complete, usable_python, version_of

_UNPACKED = 4
"""Free space asked for, as a multiple of what is downloaded: the download, unpacked, and what was there before."""

_KEPT = ("ai_tagger.sqlite", "people.sqlite")


def ensure(data: str, root: str, log: StashLog | TerminalLog, device: str = "", remake: bool = False) -> str:
    """The interpreter for the heavy half; makes the environment first where there is none, or it isn't this version's.

    ``device`` is one of ``machine.DEVICES`` ("" = as the last time); ``remake`` looks at the machine again and makes
    another environment if another suits it now. Raises SetupError.
    """
    given = environment.given_python(data)
    if given:
        return _checked(given)
    if device not in ("", *machine.DEVICES):
        raise SetupError(f"The device is {device!r}: it has to be one of {', '.join(machine.DEVICES)}.")
    python = "" if remake else usable_python(data, root)
    if python:
        return python
    try:
        os.makedirs(data, exist_ok=True)
        with lock.held(os.path.join(data, "env.lock"), log, "set-up") as held:
            return _ensure_locked(data, root, log, device, remake, held)
    except OSError as e:
        raise SetupError(
            f"The environment can't be made in {data} ({e.strerror or e}): make room, or give this user the right to "
            "write there, or name another folder with --data or AI_TAGGER_DATA."
        ) from None


def nothing_was_done(data: str, root: str) -> bool:
    """Whether there is neither a Python for the heavy half nor anything that it has kept."""
    kept = any(os.path.exists(os.path.join(data, name)) for name in _KEPT)
    return not (kept or environment.given_python(data) or usable_python(data, root))


def setup_status(data: str, root: str) -> list[str]:
    """What a person should know of the set-up, one sentence a line."""
    lines = [f"Data folder: {data}."]
    given = environment.given_python(data)
    if given:
        return [*lines, f"Environment: {given}, named by {environment.PYTHON_VARIABLE} or the file 'python' there."]
    folder = environment.environment_folder(data)
    made = environment.marker(folder)
    facts = machine.look()
    plan = _plan(facts, made.get("device", ""), root)
    if is_complete(folder, root):
        lines.append(f"Environment: ready; it {made.get('words', '')}.")
        if plan.name != made.get("plan") and not plan.missing:
            lines.append(f"Now this machine {plan.words}: run Set up to use that.")
    elif plan.missing:
        lines.append(f"Environment: can't be made yet. {plan.missing}")
    else:
        why = "is of another version of the plugin or of Python" if made else "isn't there yet"
        size = requirements.read(root, plan.name).megabytes.get(facts.platform, 0)
        lines.append(f"Environment: {why}; Set up downloads about {size} MB from {packages.hosts()}. It {plan.words}.")
    if facts.gpu_problem:
        lines.append(f"There is an NVIDIA GPU that can't be used: {facts.gpu_problem}.")
    return lines


def device_setting(server: Mapping[str, Any], data: str) -> str:
    """What "Compute on" says on Stash's page, asked of Stash: the set-up has to know before the heavy half can run."""
    from tagger.light.connection import find_api_key, from_server_connection
    from tagger.light.data import snapshot
    from tagger.light.rpc import call

    try:
        connection = from_server_connection(server).with_api_key(find_api_key())
        if not snapshot(data).get("verify_tls", True):
            connection = connection.without_tls_check()
        plugins = call(connection, "query Settings { configuration { plugins } }")["configuration"]["plugins"] or {}
        return str((plugins.get("ai_tagger") or {}).get("device") or "auto").strip().lower()
    except (TaggerError, AttributeError, KeyError, TypeError):
        return ""


# ---------------------------------------------------------------- making it


def _ensure_locked(data: str, root: str, log: StashLog | TerminalLog, device: str, remake: bool, held: int) -> str:
    folder = environment.environment_folder(data)
    building, former = folder + ".building", folder + ".former"
    _finish_swap(folder, building, former)
    complete = is_complete(folder, root)
    python = environment.python_in(folder)
    if complete and not remake:
        return python  # Whoever we waited for made it.
    device = device or str(environment.marker(folder).get("device", ""))
    facts = machine.look()
    plan = _plan(facts, device, root)
    if plan.missing:
        raise SetupError(plan.missing)
    needed = requirements.read(root, plan.name)
    if complete and environment.marker(folder).get("plan") == plan.name and not _lacks(python, needed):
        log.say(f"The environment is complete; it {plan.words}.")
        return python
    size = needed.megabytes.get(facts.platform, 0)
    free = shutil.disk_usage(data).free // 10**6
    if free < size * _UNPACKED:
        needs = f"{data} has {free} MB free and the set-up needs {size * _UNPACKED}"
        raise SetupError(f"{needs}: make room, or name another folder with --data or AI_TAGGER_DATA.")
    log.say(f"Making a private environment in {folder}: about {size} MB from {packages.hosts()}. It {plan.words}.")
    if plan.name == "cpu" and facts.gpu_problem:
        log.warn(f"There is an NVIDIA GPU that can't be used: {facts.gpu_problem}.")
    _build(building, plan, needed, log, held)
    _mark(building, plan, needed, device)
    if os.path.isdir(folder):
        os.rename(folder, former)
    os.rename(building, folder)
    shutil.rmtree(former, ignore_errors=True)
    log.say("The environment is ready.")
    return python


def _finish_swap(folder: str, building: str, former: str) -> None:
    """Clean up after a set-up that was interrupted, wherever that was."""
    if not os.path.isdir(folder):
        for candidate in (building, former):
            if environment.marker(candidate):
                os.rename(candidate, folder)
                break
    for rest in (building, former):
        shutil.rmtree(rest, ignore_errors=True)


def _build(building: str, plan: machine.Plan, needed: requirements.Requirements, log: Any, held: int) -> None:
    options = ["--system-site-packages"] if plan.system_site_packages else []
    code, out, err = ask([sys.executable, "-I", "-m", "venv", "--without-pip", *options, building])
    if code != 0:
        said = (err or out).strip().splitlines() or ["no reason given"]
        raise SetupError(f"This Python can't make an environment ({said[-1]}): install python3-venv.")
    python = environment.python_in(building)
    packages.install(python, needed, building, log, held)
    lacks = _lacks(python, needed)
    if lacks:
        raise SetupError(f"The environment was made and doesn't work ({lacks}): run Set up again.")


def _mark(building: str, plan: machine.Plan, needed: requirements.Requirements, device: str) -> None:
    """Say that it is complete; the last thing that is written."""
    content = {
        "plan": plan.name,
        "words": plan.words,
        "device": device,
        "requirements": needed.digest,
        "python": list(sys.version_info[:2]),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    path = os.path.join(building, environment.MARKER)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


# ---------------------------------------------------------------- looking at one


def _checked(python: str) -> str:
    version = version_of(python)
    if version < NEEDS:
        found = f"is Python {version[0]}.{version[1]}" if version else "can't be started"
        raise SetupError(
            f"{python}, named by {environment.PYTHON_VARIABLE} or the data folder's file 'python', {found}: "
            "name a Python 3.11 or newer that has the requirements, or take the name away."
        )
    return python


def _lacks(python: str, needed: requirements.Requirements) -> str:
    """What can't be imported there, with the reason; "" when all can."""
    code = "import importlib, sys\nfor m in sys.argv[1:]: importlib.import_module(m)"
    exit_code, _, err = ask([python, "-I", "-c", code, *needed.imports])
    return "" if exit_code == 0 else (err.strip().splitlines() or [f"exit code {exit_code}"])[-1]


def _plan(facts: machine.Machine, device: str, root: str) -> machine.Plan:
    names = ("cpu", "gpu", "gpu12", "openvino", "directml")
    available = {name: facts.platform in requirements.read(root, name).megabytes for name in names}
    return machine.choose(facts, device, available)
