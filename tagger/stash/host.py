"""Stash as the program that runs us: its queue of jobs, its backup, our settings on its page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from tagger.stash import queries
from tagger.stash.server import StashServer

PLUGIN_ID = "ai_tagger"

_JOB = "Running plugin task: "  # What Stash puts before the name of a plugin's job.
_OURS = "AI Tagger: "
_BACKUP_TIMEOUT_S = 3600.0


class StashHost:
    """Implements :class:`tagger.ports.Host`. Raises LibraryError as :class:`StashServer` does."""

    def __init__(self, server: StashServer, plugin_id: str = PLUGIN_ID) -> None:
        self._server = server
        self._plugin_id = plugin_id

    def others_waiting(self) -> bool:
        """Whether a job that isn't ours is ready to start.

        Stash doesn't say whose a job is. A plugin's job is named after its task or the description it was queued with,
        so ours are those with one of our tasks' names and those that :meth:`queue_again` queued. Our own don't count:
        two of our jobs would otherwise make way for each other without end.
        """
        data = self._server.call(queries.QUEUE)
        ours = {task["name"] for task in data["pluginTasks"] or () if task["plugin"]["id"] == self._plugin_id}
        return any(
            job["status"] == "READY" and not _is_ours(job["description"], ours) for job in data["jobQueue"] or ()
        )

    def queue_again(self, args: Mapping[str, Any], description: str) -> None:
        """Put a job with these (also nested) arguments at the end of the queue, shown as "AI Tagger: description"."""
        variables = {
            "plugin": self._plugin_id,
            "description": _OURS + description.removeprefix(_OURS),
            "args": dict(args),
        }
        self._server.call(queries.RUN_TASK, variables)

    def backup(self) -> str:
        """Back Stash's database up; the file, or on another machine than ours where it is and what its name is like.

        Stash doesn't say how it called the file (``stash-go.sqlite.75.20260131_180000``).
        """
        facts = self._server.facts()
        database = _pure_path(facts.database_path)
        folder = facts.backup_dir or str(database.parent)
        before = _backups(folder, database.name)
        self._server.call(queries.BACKUP, timeout_s=_BACKUP_TIMEOUT_S)
        new = sorted(_backups(folder, database.name) - before)
        return str(new[-1]) if new else f"the newest file {database.name}.… in {folder} on Stash's machine"

    def settings(self) -> dict[str, Any]:
        """What a person chose on Stash's page.

        Stash knows no defaults: a field that was never touched is absent, and one that was cleared is "" or, as a
        number, 0. So "" is left out here; 0 and False stay, since a person may mean them (whoever reads a number
        for which 0 makes no sense takes it as unset).
        """
        plugins = self._server.call(queries.SETTINGS, {"ids": [self._plugin_id]})["configuration"]["plugins"] or {}
        return {name: value for name, value in (plugins.get(self._plugin_id) or {}).items() if value not in ("", None)}


def _is_ours(description: str, tasks: set[str]) -> bool:
    name = description.removeprefix(_JOB)
    return name != description and (name in tasks or name.startswith(_OURS))


def _backups(folder: str, database: str) -> set[Path]:
    return set(Path(folder).glob(f"{database}.*.*"))


def _pure_path(path: str) -> PurePosixPath | PureWindowsPath:
    return PureWindowsPath(path) if "\\" in path else PurePosixPath(path)
