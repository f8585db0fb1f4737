"""Decisions as JSON: one prediction (``look --json``), and ``tags.json`` for a whole folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tagger.report.disk import plain_errors
from tagger.report.values import ReportItem
from tagger.types import Decision, Evidence


def prediction_json(decision: Decision, width: int, height: int) -> dict[str, Any]:
    """One decision as other programs read it.

    ``score`` is the calibrated probability, ``evidence[].score`` what the model said there. Boxes are
    ``[x0, y0, x1, y1]`` in pixels of the upright picture of ``width`` by ``height``; null for the whole frame, and
    where that size isn't known (0).
    """
    prediction = decision.prediction
    return {
        "feature": prediction.feature,
        "name": decision.tag or prediction.subject,
        "label": prediction.label,
        "score": round(float(prediction.probability), 4),
        "verdict": decision.verdict,
        "model": ", ".join(prediction.models),
        "spans_s": [[round(float(a), 3), round(float(b), 3)] for a, b in prediction.spans_s],
        "evidence": [_evidence_json(one, width, height) for one in prediction.evidence],
        "why": decision.why,
    }


def _evidence_json(evidence: Evidence, width: int, height: int) -> dict[str, Any]:
    known = evidence.box is not None and width > 0 and height > 0
    return {
        "time_s": round(float(evidence.time_s), 3),
        "box": [float(v) for v in evidence.box.to_pixels(width, height)] if known and evidence.box else None,
        "score": round(float(evidence.score), 4),
    }


def item_json(item: ReportItem) -> dict[str, Any]:
    """One entry of ``tags.json``. ``tags`` and ``review`` are names, the surest first, each once."""
    surest_first = sorted(item.decisions, key=lambda one: -one.prediction.probability)
    names = {
        verdict: list(dict.fromkeys(one.tag for one in surest_first if one.verdict == verdict and one.tag))
        for verdict in ("apply", "review")
    }
    predictions = [prediction_json(one, item.width, item.height) for one in item.decisions]
    for prediction in predictions:
        prediction["why"] = item.public(prediction["why"])
    return {
        "path": item.shown_path,
        "kind": item.kind,
        "error": None if item.error is None else item.public(item.error),
        "tags": names["apply"],
        "review": [name for name in names["review"] if name not in names["apply"]],
        "predictions": predictions,
    }


def write_tags_json(path: Path, entries: Iterable[ReportItem]) -> None:
    """Write ``tags.json``: a JSON list with one item a line, in the order of ``entries``.

    Replaces the file only when all is written. Raises StoreError when it can't be.
    """
    fresh = path.with_name(f".{path.name}.new")
    with plain_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("w", encoding="utf-8", newline="\n") as out:
                before = "[\n"
                for entry in entries:
                    out.write(before + json.dumps(item_json(entry), separators=(",", ":")))
                    before = ",\n"
                out.write("\n]\n" if before == ",\n" else "[]\n")
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
