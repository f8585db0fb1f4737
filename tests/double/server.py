"""The Stash double; see :class:`StashDouble`."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias

from tagger.folder import PICTURES, VIDEOS
from tagger.light.connection import Connection, Secret, from_url
from tagger.types import ItemRef
from tests.double.jobs import Job, JobQueue, Plugin, PluginProcess
from tests.double.shelf import Shelf
from tests.double.web import WebServer

FaultKind: TypeAlias = Literal["drop_before", "drop_after", "error500", "delay", "refuse"]
_DEEPEST_LOOP = 10


@dataclass(frozen=True)
class Session:
    """What a cookie stands for: who is logged in ("" = nobody), and which hooks led here."""

    user: str = ""
    visited: tuple[str, ...] = ()

    def logged_in(self) -> Session:
        return replace(self, user="stash")


@dataclass
class Fault:
    kind: FaultKind
    matching: str
    times: int
    delay_s: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Request:
    """A GraphQL request that came in."""

    text: str
    variables: dict[str, Any] = field(repr=False)
    has_cookie: bool
    has_api_key: bool


class StashDouble(Shelf):
    """A small Stash over real HTTP: in memory, with Stash's manners where they matter to a plugin.

    Use::

        with StashDouble(data_dir=tmp_path / "stash", plugin_dir=tmp_path / "plugins" / "ai_tagger") as stash:
            dog = stash.add_image("/pictures/dog.jpg", tags=["mine"])
            job = stash.run_task("Tag library")           # waits for its end
            assert job.status == "FINISHED"
            stash.tags_by_item()                          # {ItemRef("image", "1"): {"mine", "dog"}, …}

    * ``data_dir`` is Stash's own folder (``Dir`` on stdin: the plugin's data land in ``data_dir/ai_tagger``).
      ``plugin_dir`` holds ``ai_tagger.yml`` (None: no plugin, only the library).
    * ``python`` runs the plugin ("" = the first python3); ``environment`` joins its environment.
    * ``sub_path="/stash"``: as behind a proxy; the plugin itself is given the address with it left out, as Stash does,
      so a plugin can't run then. ``certificate`` (PEM with key and certificate): https.
    * ``locked``: a login is wanted (401; 302 for pages and media without a suffix). ``api_key`` lets in by header; it
      is what ``configuration.general.apiKey`` says. :meth:`expire_sessions` ends every cookie.
    * ``utc_offset_h``: the server's time zone, which its times are written and compared in.

    GraphQL is executed by graphql-core against the schema named by ``AI_TAGGER_TEST_SCHEMA`` (a real server's), else
    against ``schema.graphql`` here. A filter that the double doesn't know is an error, never ignored.

    Manners: a bulk update with one unknown id changes nothing; update hooks run one after the other for each item after
    the change, with the whole input (of a bulk update what was given, of ``sceneUpdate`` all fields, null or not);
    scans run as a job and fire create hooks with ``input: null``; the same hook stops after 10 visits through the
    session cookie; jobs run one at a time (READY → RUNNING → FINISHED | FAILED; STOPPING → CANCELLED, by SIGKILL of
    that one process); the plugin's error is logged and its job still finishes; an unknown task ends FAILED;
    ``configurePlugin`` overwrites the whole map. Compared with a real server of January 2026.

    To look at: ``log`` [(level, text)], ``progress`` [0..1], ``outputs`` [(output, error)] of plugin runs that ended,
    ``requests`` [:class:`Request`], ``media_requests`` [path], ``backups``, ``settings`` (set it too),
    ``hook_runs`` [(trigger, item id)], ``jobs.queued()``, ``jobs.ended()``.
    """

    def __init__(
        self,
        data_dir: Path,
        plugin_dir: Path | None = None,
        *,
        sub_path: str = "",
        locked: bool = False,
        api_key: str = "",
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        utc_offset_h: float = 0.0,
        certificate: Path | None = None,
    ) -> None:
        super().__init__(utc_offset_h)
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.sub_path = sub_path
        self.locked = locked
        self.api_key = api_key
        self.plugin: Plugin | None = None
        if plugin_dir:
            manifest = next(plugin_dir.glob("*.yml"))
            self.plugin = Plugin(manifest, python, environment or {})
        self.log: list[tuple[str, str]] = []
        self.progress: list[float] = []
        self.outputs: list[tuple[Any, str | None]] = []
        self.requests: list[Request] = []
        self.media_requests: list[str] = []
        self.hook_runs: list[tuple[str, str]] = []
        self.jobs = JobQueue()
        self._sessions: dict[str, Session] = {}
        self._faults: list[Fault] = []
        self._processes: list[PluginProcess] = []
        self._scheme = "https" if certificate else "http"
        self._web = WebServer(self, certificate)

    def __enter__(self) -> StashDouble:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.jobs.close()
        with self.lock:
            processes = list(self._processes)
        for process in processes:
            process.kill()
        self._web.close()

    # -- how to reach it
    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._web.port}{self.sub_path}"

    @property
    def connection(self) -> Connection:
        """As from a terminal, with the API key if there is one."""
        return from_url(self.url, self.api_key)

    @property
    def plugin_connection(self) -> Connection:
        """As a plugin has it, with a fresh session and no key."""
        return replace(from_url(self.url), cookie=Secret(self._new_cookie(Session("stash"))), dir=str(self.data_dir))

    def server_connection(self, session: Session) -> dict[str, Any]:
        """What a plugin is given on stdin, but for ``PluginDir``."""
        cookie = {"Name": "session", "Value": self._new_cookie(session), "Quoted": False, "Path": "", "Domain": ""}
        cookie |= {"MaxAge": 0, "Secure": False, "HttpOnly": False, "SameSite": 0, "Raw": "", "Unparsed": None}
        return {
            "Scheme": self._scheme,
            "Host": "0.0.0.0",
            "Port": self._web.port,
            "SessionCookie": cookie,
            "Dir": str(self.data_dir),
        }

    def expire_sessions(self) -> None:
        with self.lock:
            self._sessions.clear()

    # -- what happens in it
    def scan_in(self, files: Iterable[Path | str], timeout_s: float = 60.0) -> list[ItemRef]:
        """A scan finds these files: one job that makes the items and runs their create hooks. Waits for the scan, not
        for what the hooks queued (:meth:`wait_idle` does)."""
        found: list[ItemRef] = []

        def scan(job: Job) -> None:
            for path in files:
                suffix = Path(path).suffix.lower()
                if suffix in VIDEOS:
                    found.append(self.add_scene(path))
                elif suffix in PICTURES:
                    found.append(self.add_image(path))
                else:
                    continue
                self.run_hooks(Session("stash"), f"{found[-1].kind.capitalize()}.Create.Post", found[-1].id, None, [])

        job = self.jobs.add("Scanning...", scan)
        self.jobs.wait_ended(job.id, timeout_s)
        if job.error:
            raise RuntimeError(job.error)
        return found

    def run_task(self, name: str, args: dict[str, Any] | None = None, timeout_s: float = 120.0) -> Job:
        """Press a task's button and wait for its end (what it queued is not waited for)."""
        return self.jobs.wait_ended(self.start_task(name, args), timeout_s)

    def start_task(self, name: str, args: dict[str, Any] | None = None) -> str:
        """Press a task's button; the job's id."""
        assert self.plugin
        return self.queue_task(Session("stash"), self.plugin.id, name, None, dict(args or {}))

    def stop_job(self, job_id: str = "", timeout_s: float = 30.0) -> Job:
        """Stop the job ("" = the running one) as Stash does, and wait until it is over."""
        job_id = job_id or next(job.id for job in self.jobs.queued() if job.status == "RUNNING")
        self.jobs.stop(job_id)
        return self.jobs.wait_ended(job_id, timeout_s)

    def add_job(self, description: str = "Generating...", seconds: float = 0.0) -> Job:
        """Somebody else's job, which takes so long unless it is stopped."""
        stopped = threading.Event()

        def work(_: Job) -> None:
            stopped.wait(seconds)

        job = self.jobs.add(description, work)
        job.on_stop = stopped.set
        return job

    def wait_idle(self, timeout_s: float = 120.0) -> None:
        """Until no job runs or waits."""
        self.jobs.wait_idle(timeout_s)

    def fault(
        self, kind: FaultKind, matching: str = "", times: int = 1, delay_s: float = 0.0, message: str = ""
    ) -> None:
        """The next ``times`` GraphQL requests whose text contains ``matching`` go wrong: dropped before or after they
        were carried out, answered with 500, late, or refused with ``message`` as GraphQL's error."""
        with self.lock:
            self._faults.append(Fault(kind, matching, times, delay_s, message))

    # -- for the other parts of the double
    def queue_task(
        self, session: Session, plugin_id: str, name: str | None, description: str | None, args: dict[str, Any]
    ) -> str:
        def work(job: Job) -> None:
            if self.plugin is None or self.plugin.id != plugin_id:
                raise ValueError(f"Error creating plugin task: no plugin with ID {plugin_id}")
            given = self.plugin.task_arguments(name, args) if name is not None else args
            process = self._start(session, given, lambda share: self._advance(job, share))
            job.on_stop = process.kill
            if job.status == "STOPPING":
                process.kill()
            self._finish(process, "Plugin returned error: ")

        return self.jobs.add(f"Running plugin task: {description or name or plugin_id}", work).id

    def run_operation(self, session: Session, plugin_id: str, args: dict[str, Any]) -> Any:
        if self.plugin is None or self.plugin.id != plugin_id:
            raise ValueError(f"no plugin with ID {plugin_id}")
        output, error = self._finish(self._start(session, args, lambda _: None), "")
        if error is not None:
            raise ValueError(error)
        return output

    def run_hooks(
        self, session: Session, trigger: str, item_id: str, given: Mapping[str, Any] | None, fields: list[str]
    ) -> None:
        visit = f"{self.plugin.id if self.plugin else ''} {trigger}"
        if self.plugin is None or session.visited.count(visit) >= _DEEPEST_LOOP:
            return
        for hook in self.plugin.hooks(trigger):
            self.hook_runs.append((trigger, item_id))
            context: dict[str, Any] = {"id": int(item_id), "type": trigger, "input": given}
            if fields:
                context["inputFields"] = fields
            args = {**(hook.get("defaultArgs") or {}), "hookContext": context}
            inner = replace(session, visited=(*session.visited, visit))
            self._finish(self._start(inner, args, lambda _: None), f"{trigger} [{self.plugin.name}]: returned error: ")

    def session_of(self, cookies: str) -> Session:
        value = next((part[8:] for part in cookies.split("; ") if part.startswith("session=")), "")
        with self.lock:
            return self._sessions.get(value, Session())

    def note_request(self, text: str, variables: dict[str, Any], headers: Any) -> None:
        with self.lock:
            self.requests.append(Request(text, variables, "Cookie" in headers, "ApiKey" in headers))

    def note_media(self, path: str) -> None:
        with self.lock:
            self.media_requests.append(path)

    def take_fault(self, text: str) -> Fault | None:
        with self.lock:
            fault = next((fault for fault in self._faults if fault.matching in text), None)
            if fault:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
            return fault

    def _start(self, session: Session, args: dict[str, Any], progress: Any) -> PluginProcess:
        assert self.plugin
        process = self.plugin.start(self.server_connection(session), args, self._log_line, progress)
        with self.lock:
            self._processes.append(process)
        return process

    def _finish(self, process: PluginProcess, complaint: str) -> tuple[Any, str | None]:
        output, error = process.wait()
        with self.lock:
            self._processes.remove(process)
            self.outputs.append((output, error))
        if error is not None and complaint:
            self._log_line("error", complaint + error)
        return output, error

    def _advance(self, job: Job, share: float) -> None:
        job.progress = share
        with self.lock:
            self.progress.append(share)

    def _log_line(self, level: str, text: str) -> None:
        with self.lock:
            self.log.append((level, text))

    def _new_cookie(self, session: Session) -> str:
        value = secrets.token_urlsafe(24)
        with self.lock:
            self._sessions[value] = session
        return value
