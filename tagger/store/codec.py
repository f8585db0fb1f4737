"""Values ↔ what the database's columns hold: short, and readable by any version of the program.

Scores, shares and boxes are kept to 4 digits, times to milliseconds: finer than any model can tell.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from tagger.types import Box, Decision, Evidence, FrameFindings, ItemRef, Label, Prediction, Scope

_UNIT = 10_000
_WORTH_PACKING_BYTES = 128  # below it setting zlib up takes longer than it saves room
_LEAST_INT, _MOST_INT = -(2**63), 2**63 - 1


def now_at() -> str:
    """This second, as ISO-8601 UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def dumps(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, check_circular=False)


def id_value(item_id: str) -> int | str:
    """An id as its column holds it: a number where it is written as one, so that ids ascend as people expect."""
    if item_id.isascii() and item_id.isdigit() and (item_id == "0" or item_id[0] != "0"):
        number = int(item_id)
        if number <= _MOST_INT:
            return number
    return item_id


def after_value(item_id: str) -> int | str:
    """Like :func:`id_value` for a position to go on after; "" lies before every id."""
    return id_value(item_id) if item_id else _LEAST_INT


def refs_json(refs: Iterable[ItemRef]) -> str:
    """``[[kind, id], …]`` for ``json_each``."""
    return dumps([[kind, id_value(item_id)] for kind, item_id in refs])


def pack_frames(frames: Sequence[FrameFindings]) -> bytes:
    """JSON ``[[time_s, [[name, score, box?, colour?, share?], …]], …]``, numbers in ten-thousandths.

    zlib where it pays.
    """
    rows = [[round(float(frame.time_s), 3), [_finding_row(f) for f in frame.findings]] for frame in frames]
    text = dumps(rows).encode()
    return text if len(text) < _WORTH_PACKING_BYTES else zlib.compress(text, 6)


def unpack_frames(blob: bytes) -> tuple[FrameFindings, ...]:
    """The inverse of :func:`pack_frames`, but for the rounding."""
    return tuple(
        FrameFindings(float(time_s), tuple(_finding(row) for row in rows))
        for time_s, rows in json.loads(blob if blob.startswith(b"[") else zlib.decompress(blob))
    )


def _finding_row(finding: Label) -> list[Any]:
    row: list[Any] = [finding.name, _units(finding.score)]
    if finding.box is not None or finding.colour is not None:
        row.append([_units(edge) for edge in finding.box] if finding.box is not None else 0)
    if finding.colour is not None:
        row += [finding.colour[0], _units(finding.colour[1])]
    return row


def _finding(row: list[Any]) -> Label:
    box = Box(*(edge / _UNIT for edge in row[2])) if len(row) > 2 and row[2] else None
    colour = (str(row[3]), row[4] / _UNIT) if len(row) > 4 else None
    return Label(row[0], row[1] / _UNIT, box, colour)


def _units(fraction: float) -> int:
    return round(float(fraction) * _UNIT)


def decision_row(d: Decision) -> tuple[Any, ...]:
    """The values of ``DECISION_COLUMNS``."""
    p = d.prediction
    numbers = (float(p.probability), float(p.score))
    return (d.verdict, d.tag, p.feature, p.subject, *numbers, d.rule, d.why, _pack_detail(p))


def _pack_detail(prediction: Prediction) -> str:
    evidence = [
        [round(float(e.time_s), 3), _units(e.score), [_units(edge) for edge in e.box] if e.box else 0, e.model]
        for e in prediction.evidence
    ]
    spans = [[round(float(a), 3), round(float(b), 3)] for a, b in prediction.spans_s]
    return dumps([prediction.label, prediction.models, int(prediction.calibrated), spans, evidence])


DECISION_COLUMNS = "d.verdict, d.tag, d.feature, d.subject, d.probability, d.score, d.rule, d.why, d.detail"


def decision(row: Sequence[Any]) -> Decision:
    """A row of ``DECISION_COLUMNS``."""
    verdict, tag, feature, subject, probability, score, rule, why, detail = row
    label, models, calibrated, spans, evidence = json.loads(detail)
    prediction = Prediction(
        feature=feature,
        subject=subject,
        probability=probability,
        score=score,
        label=label,
        models=tuple(models),
        calibrated=bool(calibrated),
        spans_s=tuple((float(a), float(b)) for a, b in spans),
        evidence=tuple(
            Evidence(float(t), s / _UNIT, Box(*(edge / _UNIT for edge in box)) if box else None, model)
            for t, s, box, model in evidence
        ),
    )
    return Decision(prediction, verdict, tag, rule, why)


def pack_scope(scope: Scope) -> str:
    """Only what differs from the default, so that a field added later doesn't make an old run's scope another one."""
    default = Scope()
    values = ((f.name, getattr(scope, f.name)) for f in fields(Scope))
    return dumps({name: value for name, value in values if value != getattr(default, name)})


def unpack_scope(text: str) -> Scope:
    """The inverse of :func:`pack_scope`."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(text).items()}
    return Scope(**values)
