"""The double's queue of jobs, and how it runs a raw plugin; as Stash's ``pkg/job`` and ``pkg/plugin/raw.go`` do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

LEVELS = {"t": "trace", "d": "debug", "i": "info", "w": "warning", "e": "error"}
_LONGEST_LINE = 64 * 1024


@dataclass(eq=False)
class Job:
    id: str
    description: str
    work: Callable[[Job], None] = field(repr=False)
    status: str = "READY"
    progress: float | None = None
    error: str | None = None
    added_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    on_stop: Callable[[], None] = field(default=lambda: None, repr=False)

    def as_answer(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status,
            "description": self.description,
            "progress": self.progress,
            "addTime": self.added_at.isoformat(),
            "error": self.error,
        }


class JobQueue:
    """One job runs at a time, in the order they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[Job] = []
        self._ended: list[Job] = []
        self._count = 0
        self._closed = False
        self._thread = threading.Thread(target=self._dispatch, daemon=True)
        self._thread.start()

    def add(self, description: str, work: Callable[[Job], None]) -> Job:
        with self._changed:
            self._count += 1
            job = Job(str(self._count), description, work)
            self._queue.append(job)
            self._changed.notify_all()
            return job

    def queued(self) -> list[Job]:
        with self._changed:
            return list(self._queue)

    def ended(self) -> list[Job]:
        with self._changed:
            return list(self._ended)

    def find(self, job_id: str) -> Job | None:
        with self._changed:
            return next((job for job in self._queue + self._ended if job.id == job_id), None)

    def stop(self, job_id: str) -> None:
        with self._changed:
            job = next((job for job in self._queue if job.id == job_id), None)
            if job is None:
                return
            if job.status == "READY":
                job.status = "CANCELLED"
                self._queue.remove(job)
                self._ended.append(job)
                self._changed.notify_all()
            elif job.status == "RUNNING":
                job.status = "STOPPING"
                job.on_stop()

    def wait(self, until: Callable[[], bool], timeout_s: float, what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(until, timeout_s):
                raise TimeoutError(f"{what} didn't happen within {timeout_s} s; queue: {self._queue}")

    def wait_idle(self, timeout_s: float) -> None:
        self.wait(lambda: not self._queue, timeout_s, "an empty queue")

    def wait_ended(self, job_id: str, timeout_s: float) -> Job:
        self.wait(lambda: any(job.id == job_id for job in self._ended), timeout_s, f"the end of job {job_id}")
        return next(job for job in self.ended() if job.id == job_id)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            running = [job.id for job in self._queue]
            self._changed.notify_all()
        for job_id in reversed(running):
            self.stop(job_id)
        self._thread.join(timeout=10)

    def _dispatch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._queue))
                if self._closed:
                    return
                job = self._queue[0]
                job.status = "RUNNING"
            try:
                job.work(job)
            except Exception as e:  # noqa: BLE001 - whatever it is, Stash calls the job failed.
                job.error = str(e)
            with self._changed:
                job.status = "CANCELLED" if job.status == "STOPPING" else "FAILED" if job.error else "FINISHED"
                self._queue.remove(job)
                self._ended.append(job)
                self._changed.notify_all()


class Plugin:
    """A raw plugin's manifest and how its process is started."""

    def __init__(self, manifest: Path, python: str, environment: Mapping[str, str]) -> None:
        self.id = manifest.stem
        self.dir = manifest.parent
        self._python = python
        self._environment = environment
        content = yaml.safe_load(manifest.read_text("utf-8"))
        self.name = str(content["name"])
        self._exec: list[str] = content["exec"]
        self._default_level = LEVELS.get(str(content.get("errLog", "error"))[0], "error")
        self._hooks: list[dict[str, Any]] = content.get("hooks") or []
        self._tasks: list[dict[str, Any]] = content.get("tasks") or []

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return [{"name": task["name"], "description": task.get("description", "")} for task in self._tasks]

    def as_answer(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "version": "0", "enabled": True}

    def task_arguments(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        task = next((task for task in self._tasks if task["name"] == name), None)
        if task is None:
            raise ValueError(f"no task with name {name} in plugin {self.name}")
        return {**{key: str(value) for key, value in (task.get("defaultArgs") or {}).items()}, **given}

    def hooks(self, trigger: str) -> list[dict[str, Any]]:
        return [hook for hook in self._hooks if trigger in hook["triggeredBy"]]

    def start(
        self,
        connection: dict[str, Any],
        args: dict[str, Any],
        log: Callable[[str, str], None],
        progress: Callable[[float], None],
    ) -> PluginProcess:
        command = [part.replace("{pluginDir}", str(self.dir)) if i else part for i, part in enumerate(self._exec)]
        if command[0] in ("python", "python3"):
            command[0] = self._python or shutil.which("python3") or sys.executable
        environment = {**os.environ, **self._environment}
        python_path = [str(self.dir.parent), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(part for part in python_path if part)
        given = {"server_connection": {**connection, "PluginDir": str(self.dir)}, "args": dict(sorted(args.items()))}
        return PluginProcess(command, environment, as_go_writes(given), self._default_level, log, progress)


class PluginProcess:
    """One run of the plugin: input to stdin, the log protocol from stderr, one answer from stdout."""

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        given: bytes,
        default_level: str,
        log: Callable[[str, str], None],
        progress: Callable[[float], None],
    ) -> None:
        self._default_level = default_level
        self._log = log
        self._progress = progress
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.pid = self._process.pid
        self._answer = b""
        self._threads = [
            threading.Thread(target=work, args=arguments, daemon=True)
            for work, arguments in ((self._feed, (given,)), (self._read_log, ()), (self._read_answer, ()))
        ]
        for thread in self._threads:
            thread.start()

    def kill(self) -> None:
        """As Stash stops a plugin: this process alone, without warning."""
        self._process.kill()

    def wait(self) -> tuple[Any, str | None]:
        """Output and error once the process has ended. A killed one isn't waited for until its pipes close, since a
        child that it left behind may hold them."""
        code = self._process.wait()
        for thread in self._threads:
            thread.join(timeout=None if code >= 0 else 2)
        try:
            answer = json.loads(self._answer)
            output, error = answer.get("output"), answer.get("error")
        except (ValueError, AttributeError):
            output, error = self._answer.decode("utf-8", "replace"), None
        if error is None and code != 0:
            error = f"exit status {code}" if code > 0 else "signal: killed"
        return output, error

    def _feed(self, given: bytes) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(given)
            self._process.stdin.close()
        except OSError:
            pass  # It ended without reading; Stash only warns.

    def _read_answer(self) -> None:
        assert self._process.stdout
        with self._process.stdout as stream:
            self._answer = stream.read()

    def _read_log(self) -> None:
        assert self._process.stderr
        with self._process.stderr as stream:
            while line := stream.readline(_LONGEST_LINE):
                if not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
                    return  # Go's scanner gives up on such a line, and Stash closes the pipe.
                self._read_line(line.decode("utf-8", "replace").strip("\r\n"))

    def _read_line(self, line: str) -> None:
        if not line:
            return
        known = len(line) >= 4 and line[0] == "\x01" and line[2] == "\x02" and line[1] in "tdiwep"
        if not known:
            self._log(self._default_level, line)
        elif line[1] == "p":
            try:
                self._progress(float(line[3:]))
            except ValueError:
                self._log("error", f"Error parsing progress value '{line[3:]}'")
        else:
            self._log(LEVELS[line[1]], line[3:].strip())


def as_go_writes(value: Any) -> bytes:
    """JSON as Go's encoder writes it: no spaces, and ``<``, ``>``, ``&`` escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()
