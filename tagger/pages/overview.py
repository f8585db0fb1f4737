"""Where everything stands, for the status page and the navigation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tagger.library.learn import open_question
from tagger.library.told import called
from tagger.pages.arguments import Call
from tagger.pages.place import Place
from tagger.store.lock import holder
from tagger.types import Run

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


def _telling(runs: Sequence[Run]) -> list[Run]:
    """Without those that found nothing to do, as most do after a scan: they would push the others out."""
    return [
        run
        for run in runs
        if run.counts.get("added") or run.counts.get("removed") or run.operation == "tag" or run.state == "running"
    ]


def count(place: Place, call: Call) -> dict[str, Any]:
    """How many tags wait for a look: the number in the navigation."""
    del call
    if not place.is_set_up:
        return {"set_up": False, "review": 0}
    return {"set_up": True, "review": sum(place.store.tally("review").values())}
