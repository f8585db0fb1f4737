"""How a page asks the plugin: by Stash's own request for an operation, over HTTP."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.double import StashDouble

_OPERATION = 'mutation Ask($args: Map!) { runPluginOperation(plugin_id: "ai_tagger", args: $args) }'


def ask(stash: StashDouble, mode: str, **args: Any) -> Any:
    """The operation's output."""
    body = json.dumps({"query": _OPERATION, "variables": {"args": {"mode": mode, **args}}}).encode()
    request = urllib.request.Request(f"{stash.url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        content = json.load(response)
    assert not content.get("errors"), content
    return content["data"]["runPluginOperation"]


def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look again and again, as a page does."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


def item(ref: Any) -> dict[str, str]:
    return {"kind": ref.kind, "id": ref.id}
