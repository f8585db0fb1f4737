"""How near a whole library run comes to what decoding and inference alone would take.

    python -m bench.library --mirror DIR --media DIR [--kind pictures|videos] [--items N] [--data DIR]

Makes a library of ``items`` different files out of those in ``media``, and measures, before and after the run:

- decode: core-seconds of reading all of it, by one thread that does nothing else
- infer: core-seconds inside of the models alone (tensors in, tensors out), in the best of the configurations tried
- feed: what no configuration spares around the models: frames into tensors, and reading the outputs
- rules: the recognizers without a model

The first two, spread over the cores, are the ideal; with the others it is that of all looking. In between it runs the
product, ``ai_tagger.py tag --folder``, on all cores, twice; then once more from nothing, to sample the memory (PSS) of
all its processes, which would slow a run that is timed. Other programs take cores from the wall clock, so the load is
printed, and beside the efficiency what depends less on it: the share of the run's own core-seconds that is the ideal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import psutil

from tagger import catalogue
from tagger.app import App
from tagger.cli import TerminalProgress
from tagger.config import Sampling
from tagger.engines.onnx import OnnxEngine
from tagger.errors import MediaError
from tagger.folder import PICTURES, VIDEOS
from tagger.media.keyframes import KeyframeReader
from tagger.media.pictures import read_picture
from tagger.media.source import Source
from tagger.pipeline import THUMBNAIL_SIDE_PX, shrink
from tagger.recognizers import build
from tagger.types import Frame

if TYPE_CHECKING:
    from tagger.ports import Tensor

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("decode", "infer", "feed", "rules")
DEFAULT_ITEMS = {"pictures": 600, "videos": 48}
CONFIGURATIONS = ((1, 1), (2, 1), (4, 1), (1, 0), (4, 0))  # frames a call, threads a call (0: one a core)
FRAMES_TIMED = 48
SAMPLE_EVERY_S = 0.25


# ------------------------------------------------------------ the library


def make_library(media: Path, kind: str, count: int, folder: Path) -> dict[Path, int]:
    """Fill ``folder`` with ``count`` files that all differ; how many were made of each original."""
    suffixes = PICTURES if kind == "pictures" else VIDEOS
    found = sorted(path for path in media.rglob("*") if path.suffix.lower() in suffixes)
    originals = [path for path in found if _is_readable(path)]
    if not originals:
        raise SystemExit(f"{media} has no {kind} that can be read.")
    copies = dict.fromkeys(originals, 0)
    for number in range(count):
        original = originals[number % len(originals)]
        copies[original] += 1
        copy = folder / f"{number:06}{original.suffix}"
        shutil.copyfile(original, copy)
        with copy.open("ab") as file:
            file.write(_ignored(original.suffix.lower(), number))
    return {original: n for original, n in copies.items() if n}


def _ignored(suffix: str, number: int) -> bytes:
    """Bytes that a decoder passes over at the end of a file of this kind."""
    if suffix in (".mp4", ".mov", ".m4v", ".heic", ".avif"):
        return b"\0\0\0\x10free" + number.to_bytes(8)
    if suffix in (".webm", ".mkv"):
        return b"\xec\x88" + number.to_bytes(8)
    return number.to_bytes(8)


def _is_readable(path: Path) -> bool:
    try:
        return any(True for _ in frames_of(path))
    except MediaError:
        return False


def frames_of(path: Path) -> Iterator[Frame]:
    """As the decoding processes read it, with the default settings."""
    sampling = Sampling()
    if path.suffix.lower() in PICTURES:
        with path.open("rb") as file:
            yield from read_picture(file, sampling.picture_side_px, sampling.memory_mb << 20)
    else:
        yield from KeyframeReader().open(Source(str(path)), sampling.frames, sampling.video_side_px).frames


# ------------------------------------------------------------ each part alone


@dataclass(frozen=True, slots=True)
class Alone:
    """What the parts take by themselves, in core-seconds for the whole library; ``frames`` of all of it."""

    decode: float
    infer: float
    feed: float
    rules: float
    frames: int
    best: Mapping[str, str]


class ClockedEngine:
    """Counts the core-seconds of all threads while the model runs."""

    def __init__(self, engine: OnnxEngine) -> None:
        self._engine = engine
        self.core_s = 0.0

    def infer(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        begin = time.process_time()
        try:
            return self._engine.infer(feeds)
        finally:
            self.core_s += time.process_time() - begin


def measure_alone(app: App, copies: Mapping[Path, int]) -> Alone:
    """Decode every original once, and show some of the frames to every recognizer."""
    decode, frames, sample = 0.0, 0, []
    every = max(1, len(copies) // FRAMES_TIMED)
    for number, (original, n) in enumerate(copies.items()):
        begin = time.process_time()
        seen = list(frames_of(original))
        decode += (time.process_time() - begin) * n
        frames += len(seen) * n
        if number % every == 0:
            sample += seen[:: max(1, len(seen) * len(copies) // FRAMES_TIMED // every)]
    sample = sample[:FRAMES_TIMED]
    thumbnails = [replace(frame, rgb=shrink(frame.rgb, THUMBNAIL_SIDE_PX)) for frame in sample]
    infer, feed, rules, best = 0.0, 0.0, 0.0, {}
    for spec in app.installed:
        timed = {
            (batch, threads): _time_model(app, spec, sample, batch, threads)
            for batch, threads in CONFIGURATIONS
            if batch <= spec.batch
        }
        (batch, threads), (model_s, feed_s) = min(timed.items(), key=lambda entry: entry[1][0])
        infer += model_s * frames
        feed += feed_s * frames
        best[spec.model] = f"{model_s * 1e3:.1f} ms a frame ({batch} a call, {threads or 'all'} threads)"
    for rule in app.recognizers:
        if rule.model not in best:
            begin = time.process_time()
            rule.recognise(thumbnails)
            each_s = (time.process_time() - begin) / len(sample)
            rules += each_s * frames
            best[rule.model] = f"{each_s * 1e3:.2f} ms a frame"
    return Alone(decode, infer, feed, rules, frames, best)


def _time_model(
    app: App, spec: catalogue.AnySpec, frames: Sequence[Frame], batch: int, threads: int
) -> tuple[float, float]:
    """Core-seconds a frame inside of the model, and around it."""
    clocked: list[ClockedEngine] = []

    def factory(weights: Path) -> ClockedEngine:
        clocked.append(ClockedEngine(OnnxEngine(weights, "cpu", threads)))
        return clocked[-1]

    recognizer = build(spec, app.models_folder, factory, batch)
    recognizer.recognise(frames[:batch])
    before, begin = sum(engine.core_s for engine in clocked), time.process_time()
    recognizer.recognise(frames)
    whole = time.process_time() - begin
    inside = sum(engine.core_s for engine in clocked) - before
    return inside / len(frames), (whole - inside) / len(frames)


# ------------------------------------------------------------ the run


@dataclass(frozen=True, slots=True)
class Ran:
    """One call of the product: ``run_s`` of the run itself, ``whole_s`` with the start and the report."""

    run_s: float
    whole_s: float
    core_s: float
    counts: Mapping[str, int]
    pss_mb: Sequence[float]
    parts_mb: Mapping[str, float]


def run_product(folder: Path, data: Path, mirror: str, *, watched: bool = False) -> Ran:
    """``tag`` over ``folder`` on all cores; ``watched``: with samples of its memory."""
    settings = ["--set", "run.free_cores=0", "--set", "run.nice=0"]
    command = [sys.executable, "ai_tagger.py", "tag", "--folder", str(folder), "--data", str(data)]
    command += ["--mirror", mirror, "--device", "cpu", "--json", *settings]
    environment = {**os.environ, "AI_TAGGER_PYTHON": sys.executable}
    before, begin = os.times(), time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.DEVNULL)
        samples, largest = _watch_memory(process) if watched else ([], {})
        code = process.wait()
        whole_s = time.monotonic() - begin
        said.seek(0)
        text = said.read().decode()
    after = os.times()
    core_s = after.children_user + after.children_system - before.children_user - before.children_system
    if code not in (0, 1):
        raise SystemExit(f"The run failed with {code}: {text}")
    answer: dict[str, Any] = json.loads(text)
    return Ran(answer["seconds"], whole_s, core_s, answer["counts"], samples, largest)


def _watch_memory(process: subprocess.Popen[bytes]) -> tuple[list[float], dict[str, float]]:
    """Sum of PSS over the process and all below it, sample by sample, in MB; and its parts where it was largest."""
    samples: list[float] = []
    largest: dict[str, float] = {}
    ended = threading.Event()
    root = psutil.Process(process.pid)
    while process.poll() is None:
        parts: dict[str, float] = {}
        for number, each in enumerate([root, *_children(root)]):
            try:
                parts["run" if number == 0 else f"decoder {number}"] = each.memory_full_info().pss / 2**20
            except psutil.Error:
                continue  # it has just ended
        samples.append(sum(parts.values()))
        if samples[-1] >= max(samples):
            largest = parts
        ended.wait(SAMPLE_EVERY_S)
    return samples, largest


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return root.children(recursive=True)
    except psutil.Error:
        return []


# ------------------------------------------------------------ the report


def measure(kind: str, media: Path, mirror: str, items: int, place: Path) -> None:
    """All figures of one kind, on stdout."""
    folder, data = place / "library", place / "data"
    folder.mkdir(parents=True)
    copies = make_library(media, kind, items, folder)
    settings = {"models.mirror": mirror, "engine.device": "cpu"}
    app = App(ROOT, data, TerminalProgress(), folder=folder, arguments=settings)
    for problem in app.fetch_missing():
        raise SystemExit(problem)
    before = measure_alone(app, copies)
    load = os.getloadavg()[0]
    first = run_product(folder, data, mirror)
    load_after = os.getloadavg()[0]
    second = run_product(folder, data, mirror)
    anew = place / "watched"
    shutil.copytree(data / "models", anew / "models")
    watched = run_product(folder, anew, mirror, watched=True)
    after = measure_alone(app, copies)
    app.close()

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parts = {part: [getattr(alone, part) for alone in (before, after)] for part in PARTS}
    means = {part: statistics.mean(each) for part, each in parts.items()}
    ideal_s = (means["decode"] + means["infer"]) / cores
    looking_s = sum(means.values()) / cores
    print(f"\n{kind}: {items} files of {len(copies)} originals, {before.frames} frames; {cores} cores")
    print(f"load before and after the run: {load:.1f}, {load_after:.1f}")
    for part, each in parts.items():
        print(f"  {part:8} {means[part]:7.2f} core-s ({each[0]:.2f} before the run, {each[1]:.2f} after)")
    for model, figure in after.best.items():
        print(f"           {model}: {figure}")
    print(f"  ideal    {ideal_s:7.2f} s; of all looking {looking_s:.2f} s")
    print(f"  the run  {first.run_s:7.2f} s ({first.whole_s:.2f} s the whole command), {first.core_s:.2f} core-s")
    print(f"           {dict(first.counts)}")
    print(f"  efficiency {ideal_s / first.run_s:.2f}; of all looking {looking_s / first.run_s:.2f}")
    ideal_share, looking_share = (seconds * cores / first.core_s for seconds in (ideal_s, looking_s))
    print(f"  its core-seconds: {ideal_share:.2f} are the ideal, {looking_share:.2f} looking;")
    print(f"           they are {first.core_s / first.whole_s / cores:.2f} of wall clock × cores")
    mb = watched.pss_mb
    processes = ", ".join(f"{name} {part:.0f}" for name, part in watched.parts_mb.items())
    print(f"  memory   {max(mb):7.0f} MB at most ({processes})")
    print(f"           {max(mb[: len(mb) // 2], default=0):.0f} in the first half, {max(mb[len(mb) // 2 :]):.0f} after")
    print(f"  again    {second.run_s:7.2f} s ({second.whole_s:.2f} s the whole command): {dict(second.counts)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirror", required=True, help="where the starter models are")
    parser.add_argument("--media", required=True, type=Path, help="pictures and videos, in folders at any depth")
    parser.add_argument("--kind", choices=sorted(DEFAULT_ITEMS), help="both unless said")
    parser.add_argument("--items", type=int, default=0, help="how many files the library has")
    parser.add_argument("--data", type=Path, help="a folder to work in, instead of a temporary one")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(dir=options.data) as place:
        for kind in [options.kind] if options.kind else sorted(DEFAULT_ITEMS):
            items = options.items or DEFAULT_ITEMS[kind]
            measure(kind, options.media, options.mirror, items, Path(place) / kind)


if __name__ == "__main__":
    main()
