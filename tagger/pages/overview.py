"""Where everything stands, for the status page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tagger.library.learn import open_question
from tagger.library.told import called
from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.store import SqliteStore
from tagger.store.lock import holder
from tagger.types import Run

_SOON_S = 3.0  # before that a run has only begun, and its speed says nothing
_AMONG = 10  # as many times the runs that are shown are looked through for them


def overview(place: Place, call: Call) -> dict[str, Any]:
    """Set up or not, who works, counts, runs and failures; works before the set-up too."""
    from tagger.light.usable import usable_python  # 10 ms, for this operation alone

    usable = bool(usable_python(str(place.data), place.root))
    if not place.is_set_up:
        return {"set_up": False, "usable": False, "data": str(place.data)}
    store, works = place.store, holder(place.data)
    return {
        "set_up": True,
        "usable": usable,
        "data": str(place.data),
        "working": asdict(works) if works else None,
        "summary": store.summary(),
        "question": open_question(store),
        "device": store.fact("device"),
        "models": store.fact("models").split(),
        "tried": store.fact("tried"),
        "each_s": float(store.fact("seconds a look") or 0),
        "going": _going(store),
        "runs": [
            {
                "id": run.id,
                "operation": run.operation,
                "what": called(run),
                "state": run.state,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "counts": dict(run.counts),
                "message": run.message,
            }
            for run in _telling(store.runs(_AMONG * call.limit))[: call.limit]
        ],
        "failures": [
            {"kind": f.ref.kind, "id": f.ref.id, "path": f.path, "reason": f.reason, "tries": f.tries}
            for f in store.failures(call.limit)
        ],
    }


def _going(store: SqliteStore) -> dict[str, Any] | None:
    """The run that is under way, or was interrupted: ``done`` items of ``total`` (0: nobody knows), how many
    ``a_second`` since this process began with it, and how many seconds are ``left`` (None while nobody can tell)."""
    starts = [json.loads(said) for said in store.facts("going ").values()]
    begun = [(run, start) for start in starts if (run := store.run(start["run"]))]
    open_ones = [(run, start) for run, start in begun if run.state in ("running", "paused")]
    if not open_ones:
        return None
    run, start = max(open_ones, key=lambda one: (one[0].state == "running", str(one[1]["since"])))
    done = run.counts.get("passed", 0)
    seconds = (datetime.now(UTC) - datetime.fromisoformat(start["since"])).total_seconds()
    speed = (done - start["done"]) / seconds if seconds >= _SOON_S else 0.0
    left = max(0, start["total"] - done) / speed if speed and start["total"] else None
    return {
        "run": run.id,
        "operation": run.operation,
        "done": done,
        "total": start["total"],
        "a_second": round(speed, 2),
        "left_s": left,
    }


def _telling(runs: Sequence[Run]) -> list[Run]:
    """Without those that found nothing to do, as most do after a scan: they would push the others out."""
    return [
        run
        for run in runs
        if run.counts.get("added") or run.counts.get("removed") or run.operation == "tag" or run.state == "running"
    ]
