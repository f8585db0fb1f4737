"""Getting a model's files: from a mirror or by https, resumed, checked by sha256, in place at once or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.parse import quote

import requests

from tagger.catalogue.spec import AnySpec, FileSpec, recorded_sha256
from tagger.errors import ModelError
from tagger.light.connection import host_of, without_logins

Progress: TypeAlias = Callable[[int, int], None]
_CHUNK = 1 << 16
_TRIES = 4
_TIMEOUT_S = (15, 60)
_HINT = "Check the connection or the proxy, or give a mirror with --mirror DIR or AI_TAGGER_MIRROR, and try again."


@dataclass(frozen=True, slots=True)
class Source:
    """Where files come from. ``mirror``: a folder (searched at any depth) or a base URL, asked first; the sha256
    decides. ``proxy``: a URL for http and https; "" takes the environment's (``HTTPS_PROXY`` …). ``offline``: never
    from their own addresses."""

    mirror: str = ""
    proxy: str = ""
    offline: bool = False


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file that is missing, its size (0 = unknown) and the host it will come from ("" = the mirror folder)."""

    model: str
    filename: str
    bytes: int
    host: str


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What a fetch would get. ``bytes`` counts what comes over the network; no address may be asked for
    ``unobtainable``."""

    files: tuple[PlannedFile, ...]
    bytes: int
    hosts: tuple[str, ...]
    unobtainable: tuple[str, ...] = ()

    def sentence(self) -> str:
        """For a person, before it is done."""
        if not self.files:
            return f"Not to be had: {', '.join(self.unobtainable)}." if self.unobtainable else "All models are here."
        files = f"{len(self.files)} model file" + ("" if len(self.files) == 1 else "s")
        if not self.hosts:
            return f"{files} will be copied from the mirror folder; nothing is downloaded."
        unknown = any(file.host and not file.bytes for file in self.files)
        size = f"{megabytes(self.bytes)}{' or more' if unknown and self.bytes else ''}"
        return f"{files} ({size}) will be downloaded from {', '.join(self.hosts)}."


def megabytes(bytes: int) -> str:
    """A file's size as a person reads it, with two digits where it is small; 0 is one that nobody noted."""
    size = bytes / 1e6
    if not bytes:
        return "size unknown"
    return f"{size:.0f} MB" if size >= 100 else f"{size:.1f} MB" if size >= 1 else f"{size:.2g} MB"


@dataclass(frozen=True, slots=True)
class Installed:
    """A line of the models list; ``bytes`` is 0 where the size of some file isn't known."""

    name: str
    model: str
    feature: str
    installed: bool
    bytes: int
    licence: str
    tested: bool
    presets: tuple[str, ...]
    own: bool
    title: str
    source: str
    calibrated: bool


def listing(specs: Sequence[AnySpec], folder: Path) -> list[Installed]:
    """Every model with what a person wants to know of it, by feature and name. Reads the disk only."""
    lines = [
        Installed(
            name=spec.name,
            model=spec.model,
            feature=spec.feature,
            installed=spec.installed(folder),
            bytes=spec.bytes if all(file.bytes or file.path for file in spec.files) else 0,
            licence=spec.licence,
            tested=spec.tested,
            presets=tuple(sorted(spec.presets)),
            own=spec.own,
            title=spec.title or spec.name,
            source=spec.source,
            calibrated=spec.calibration is not None,
        )
        for spec in specs
    ]
    return sorted(lines, key=lambda line: (line.feature, line.name))


def plan(specs: Sequence[AnySpec], folder: Path, source: Source = Source()) -> DownloadPlan:
    """What :func:`fetch` would get for these models, without getting it. Reads the disk only."""
    files: list[PlannedFile] = []
    unobtainable: list[str] = []
    for spec, file in _missing(specs, folder):
        in_mirror = next(_in_mirror(file, source), None) is not None
        host = "" if in_mirror else host_of(_first_url(file, source))
        if not in_mirror and not host:
            unobtainable.append(f"{spec.name}: {file.filename}")
            continue
        files.append(PlannedFile(spec.name, file.filename, file.bytes, host))
    hosts = tuple(dict.fromkeys(file.host for file in files if file.host))
    total = sum(file.bytes for file in files if file.host)
    return DownloadPlan(tuple(files), total, hosts, tuple(unobtainable))


def fetch(spec: AnySpec, folder: Path, source: Source = Source(), progress: Progress | None = None) -> tuple[Path, ...]:
    """Get what is missing of ``spec`` into ``folder/<name>/``; where its files lie.

    ``progress(done_bytes, total_bytes)`` is called now and then (total 0 = unknown). Interrupted, it goes on where it
    was. Raises ModelError that says what to do; a file is either there, checked, or not there.
    """
    for file in spec.files:
        place = spec.place(file, folder)
        if file.path:
            if not place.is_file():
                raise ModelError(f"Model {spec.name}: {place} isn't there: correct path in {spec.yaml}.")
        elif not spec.present(file, folder):
            try:
                _get(spec, file, place, source, progress or _silent)
            except OSError as error:
                raise ModelError(_disk_words(place, error)) from error
    return tuple(spec.place(file, folder) for file in spec.files)


def remove(spec: AnySpec, folder: Path) -> int:
    """Delete the fetched files of ``spec`` (never a user's own, used where they lie); how many bytes that freed."""
    home = folder / spec.name
    freed = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) if home.is_dir() else 0
    try:
        if home.is_dir():
            shutil.rmtree(home)
    except OSError as error:
        raise ModelError(f"{home} can't be deleted: {error.strerror or error}.") from error
    return freed


def _missing(specs: Sequence[AnySpec], folder: Path) -> Iterator[tuple[AnySpec, FileSpec]]:
    for spec in specs:
        for file in spec.files:
            if not file.path and not spec.present(file, folder):
                yield spec, file


def _silent(_done: int, _total: int) -> None: ...


def _get(spec: AnySpec, file: FileSpec, place: Path, source: Source, progress: Progress) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    known = recorded_sha256(place) if file.pin else file.sha256
    part = place.with_name(place.name + ".part")
    for candidate in _in_mirror(file, source):
        if not known or _sha256(candidate) == known:
            shutil.copyfile(candidate, part)
            if _settle(part, place, known):
                progress(place.stat().st_size, file.bytes)
                return
    refusals: list[str] = []
    for url in _urls(spec, file, source):
        resumed = part.is_file()
        try:
            _download(url, part, file.bytes, progress, secure=url == file.url, proxy=source.proxy)
        except _RefusedError as refused:
            refusals.append(str(refused))
            continue
        if _settle(part, place, known) or (resumed and _again(url, part, place, file, known, progress, source)):
            return
        refusals.append(f"{host_of(url)} sent other bytes than the sha256 in {spec.yaml.name} asks for")
    if not refusals:
        why = "models.offline is on" if file.url else "it has no address"
        where = f"it isn't in the mirror {without_logins(source.mirror)}" if source.mirror else "there is no mirror"
        raise ModelError(
            f"Model {spec.name}: {file.filename} (sha256 {known[:12]}…) can't be had: {why}, and {where}. "
            "Put the file into a folder and give that with --mirror DIR or AI_TAGGER_MIRROR."
        )
    raise ModelError(f"Model {spec.name}: {file.filename} couldn't be fetched: {'; '.join(refusals)}. {_HINT}")


def _again(url: str, part: Path, place: Path, file: FileSpec, known: str, progress: Progress, source: Source) -> bool:
    """From the beginning, once: what was resumed may have been the start of another revision."""
    try:
        _download(url, part, file.bytes, progress, secure=url == file.url, proxy=source.proxy)
    except _RefusedError:
        return False
    return _settle(part, place, known)


def _settle(part: Path, place: Path, known: str) -> bool:
    """Check the finished ``part`` and put it in place with a note of its sha256; a wrong one is deleted."""
    found = _sha256(part)
    if known and found != known:
        part.unlink()
        return False
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    note = place.with_name(place.name + ".sha256")
    note.unlink(missing_ok=True)  # a note must never speak for bytes that came before it
    part.replace(place)
    note.write_text(found + "\n", "ascii")
    return True


class _RefusedError(Exception):
    """An address did not give the file; the reason in words."""


def _is_url(mirror: str) -> bool:
    return mirror.lower().startswith(("http://", "https://"))


def _in_mirror(file: FileSpec, source: Source) -> Iterator[Path]:
    """Files of that name below a mirror folder."""
    if not source.mirror or _is_url(source.mirror):
        return
    root = Path(source.mirror).expanduser()
    if not root.is_dir():
        shown = without_logins(source.mirror)
        raise ModelError(f"The mirror {shown} is no folder and no http(s) address: correct --mirror.")
    for folder, _, names in os.walk(root):
        for name in file.known_as:
            if name in names:
                yield Path(folder, name)


def _first_url(file: FileSpec, source: Source) -> str:
    return source.mirror if _is_url(source.mirror) else "" if source.offline else file.url


def _urls(spec: AnySpec, file: FileSpec, source: Source) -> Iterator[str]:
    if _is_url(source.mirror):
        base = source.mirror.rstrip("/")
        for name in file.known_as:
            yield f"{base}/{quote(name)}"
        yield f"{base}/{quote(spec.name)}/{quote(file.filename)}"
    elif file.url and not source.offline:
        yield file.url


def _download(url: str, part: Path, size: int, progress: Progress, *, secure: bool, proxy: str) -> None:
    """Bring ``url`` into ``part``, going on where it was. Raises _RefusedError, and OSError of the disk."""
    host = host_of(url)
    with requests.Session() as session:
        if proxy:
            session.proxies = {"http": proxy, "https": proxy}
            session.trust_env = False
        for attempt in range(_TRIES):
            try:
                if _once(session, url, part, size, progress, secure):
                    return
            except requests.exceptions.ProxyError as error:
                raise _RefusedError(f"the proxy did not let us through to {host}") from error
            except requests.exceptions.SSLError as error:
                raise _RefusedError(f"{host}'s certificate isn't trusted here") from error
            except (requests.exceptions.RequestException, ConnectionError, TimeoutError) as error:
                if attempt == _TRIES - 1 or not part.is_file():
                    raise _RefusedError(f"{host} can't be reached ({type(error).__name__})") from error
    raise _RefusedError(f"{host} broke off every time")


def _once(session: requests.Session, url: str, part: Path, size: int, progress: Progress, secure: bool) -> bool:
    """One request for the rest of the file; whether it is complete now."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
        if secure and not answer.url.startswith("https://"):
            raise _RefusedError(f"{host_of(url)} led to an address without https")
        if answer.status_code == 416:  # more than there is: what we have is not the beginning of this file
            part.unlink()
            return False
        if answer.status_code not in (200, 206):
            raise _RefusedError(f"{host_of(url)} answered {answer.status_code} {answer.reason}".rstrip())
        resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if answer.status_code == 206 and not resumed:
            part.unlink()
            return False
        have = have if resumed else 0
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else size
        with part.open("ab" if resumed else "wb") as file:
            have = _pour(answer, file, have, total, progress)
    return not total or have >= total


def _pour(answer: requests.Response, file: BinaryIO, have: int, total: int, progress: Progress) -> int:
    for chunk in answer.iter_content(_CHUNK):
        file.write(chunk)
        have += len(chunk)
        progress(have, total)
    return have


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _disk_words(place: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk of {place.parent} is full: make room for {place.name}, and try again."
    return f"{place} can't be written: {error.strerror or error}."
