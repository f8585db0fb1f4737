"""Stash's hooks: note the item, see that one "Tag new media" is queued, return. Stash waits for us at each file.

Anything slow to import (HTTP, dataclasses) is imported only by the one hook in a minute that needs it.
"""

from __future__ import annotations

import os

from tagger.light.data import snapshot
from tagger.light.spool import KINDS, Spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PLUGIN_ID = "ai_tagger"
TASK_NAME = "Tag new media"
JOB_DESCRIPTION = "AI Tagger: tag new media"
"""How the job is called in Stash's queue, and recognised there; a run that queues itself again uses it too."""

_TIMEOUT_S = 5.0

_QUEUE = "query Jobs { jobQueue { status description } }"
_RUN = """mutation Run($plugin: ID!, $task: String, $description: String) {
  runPluginTask(plugin_id: $plugin, task_name: $task, description: $description)
}"""


def note(data: str, connection: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Do what a hook has to. ``connection`` and ``context`` are Stash's ``server_connection`` and ``hookContext``.

    Raises OSError when the note can't be written, LibraryError when Stash can't be asked; the note stands then, and the
    next hook tries again.
    """
    noun, _, event = str(context.get("type", "")).partition(".")
    kind = noun.lower()
    if kind not in KINDS or event not in ("Create.Post", "Update.Post"):
        return
    if event == "Update.Post" and context.get("input") is not None:
        return
    settings = snapshot(data)
    if not settings.get("hooks", True) or kind not in settings.get("kinds", KINDS):
        return
    spool = Spool(data, str(connection.get("Dir") or ""))
    spool.note(kind, str(context["id"]))
    if not spool.claim():
        return
    try:
        _see_that_a_run_is_queued(connection, bool(settings.get("verify_tls", True)))
    except BaseException:
        spool.unclaim()
        raise


def _see_that_a_run_is_queued(server: Mapping[str, Any], verify_tls: bool) -> None:
    from tagger.light.connection import find_api_key, from_server_connection
    from tagger.light.rpc import call

    connection = from_server_connection(server).with_api_key(find_api_key())
    if not verify_tls:
        connection = connection.without_tls_check()
    # A RUNNING one may be past its last look for notes, else it would have kept the spool awake: it doesn't count.
    for job in call(connection, _QUEUE, timeout_s=_TIMEOUT_S)["jobQueue"] or ():
        if job["status"] == "READY" and JOB_DESCRIPTION in job["description"]:
            return
    variables = {"plugin": PLUGIN_ID, "task": TASK_NAME, "description": JOB_DESCRIPTION}
    call(connection, _RUN, variables, timeout_s=_TIMEOUT_S)


def is_set_up(data: str) -> bool:
    """Whether hooks are of use yet: before the set-up a queued run would start downloading without anybody's click."""
    from tagger.light.environment import has_environment

    return os.path.isdir(data) and has_environment(data)
