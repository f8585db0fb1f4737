"""Leaving: everything is taken back, and of the data folder goes what AI Tagger itself put there, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tagger.app import App
from tagger.demo import FILES as DRAWN
from tagger.errors import TaggerError
from tagger.folder import state_of
from tagger.library.progress import many
from tagger.light.environment import MARKER, environment_folder, marker
from tagger.operations.looking import reports
from tagger.operations.operation import DONE, SOME_FAILED, Answer, Operation, Wish, as_worker
from tagger.operations.saying import take_everything_back
from tagger.people_store import PEOPLE_NAME
from tagger.store import Kept

_NAMED = 5  # so many names are said; of more, how many

# Former versions put reports into the data folder itself.
_FORMER_REPORTS = r"(people/)?report(-\d+)?\.html|tags\.json|\.tags\.json\.new"
_WORKERS = r"worker\.(lock|json|tmp|wanted|log)"
# The databases, each also as SQLite leaves it beside; what is written under a passing name first, also so.
_OURS = re.compile(
    "|".join(
        (
            _FORMER_REPORTS,
            r"reports/([^/]+-)?[0-9a-f]{8}/((people/)?report(-\d+)?\.html|tags\.json|\.tags\.json\.new)",
            r"try/(report(-\d+)?\.html|seen\.(json|\d+))",
            r"(ai_tagger|people|thumbs|folder|folders/[0-9a-f]{16})\.sqlite(-wal|-shm|-journal)?|folders/[0-9a-f]{16}\.\d+",
            r"config\.yml(\.\d+\.part)?|config\.imported\.yml",
            r"(light|libraries)\.json(\.\d+)?|policy\.json|\.policy\.json\.\d+",
            rf"env\.lock|{_WORKERS}",
            r"evaluate/evaluate\.(html|json|json\.part)",
            r"spool/[0-9a-f]{8}/(awake|(scene|image|gallery)-\d+(\.taken)?)",
            "demo/(" + "|".join(re.escape(name) for name in DRAWN) + ")",
            r"models/[^/]+/[^/]+\.onnx\.part",
        )
    )
)
_OUR_FOLDERS = re.compile(
    r"env\.building|env\.former|(try/|people/|reports/([^/]+-)?[0-9a-f]{8}/(people/)?)?\.report-new"
)
_FOLDERS = ("try", "people", "reports", "evaluate", "demo", "folders", "spool", "models")
_REPORT_BEGINS = re.compile(rb"default-src \S+none\S+ img-src data:; style-src \S*sha256-")
_LAST = re.compile(_WORKERS)  # A worker holds them: they go when it has ended.
_REPORT = re.compile(r"report(-\d+)?\.html$")
_NOTE_NAME = re.compile(r"models/[^/]+/.+\.sha256")
_NOTE = re.compile(r"[0-9a-f]{64}\n")  # What a fetched model file has beside it, and nothing more.


def leave(app: App, wish: Wish) -> Answer:
    """As if we had never been here: everything is taken back, then what we put into the data folder goes. While other
    libraries are kept there, only what was kept of this one goes."""
    if not wish.dry_run and not wish.yes:
        raise TaggerError(
            "This takes all our tags back and deletes what we keep of this library: say --dry-run first, then --yes."
        )
    with as_worker(app, "undo"):
        others, stays = _others(app), _what_stays(app)
        answer = take_everything_back(app, wish.dry_run)
        if wish.dry_run:
            return Answer([*answer.lines, *_would(app, others), *stays], answer.data)
        if "the library refused it" in answer.data["left"]:
            said = f"{app.data} stays, since some tags couldn't be taken back: try again."
            return Answer([*answer.lines, said], answer.data, SOME_FAILED)
        gone = _Deleting(app.data)
        if others:
            theirs = _of_this_library(app)
            _forget_library(app)
            gone.all(theirs)
        else:
            app.close()
            gone.all(path for path in ours_in(app.data) if not _LAST.fullmatch(_name(app.data, path)))
    if not others:
        gone.all(ours_in(app.data))
    gone.folders()
    told = _kept_for(app, others) if others else gone.told()
    lines = [*answer.lines, *told, *gone.failures(), *stays]
    return Answer(lines, answer.data, SOME_FAILED if gone.failed else DONE)


# ---------------------------------------------------------------- what is ours


def ours_in(data: Path) -> Iterator[Path]:
    """What we put there: files, and folders that are ours as a whole. A person's own files may lie beside them, also
    in folders of ours (their models' yamls, their names); links to elsewhere are not followed."""
    serves_a_folder = (data / "folder.sqlite").exists() or (data / "folders").exists()
    for path in _below(data):
        name = _name(data, path)
        if path.is_dir() and not path.is_symlink():
            if _OUR_FOLDERS.fullmatch(name):
                yield path
        elif _OURS.fullmatch(name):
            if (name != "tags.json" or serves_a_folder) and (not _REPORT.search(name) or _is_report(path)):
                yield path
        elif _NOTE_NAME.fullmatch(name) and _NOTE.fullmatch(_beginning(path).decode("latin-1")):
            yield from (one for one in (path.with_suffix(""), path) if one.is_file())
    environment = Path(environment_folder(str(data)))
    if marker(str(environment)) and not environment.is_symlink():
        yield environment


def _below(data: Path) -> list[Path]:
    """What lies in the data folder and in those folders of it that we use: a person may keep a world beside them."""
    folders = [data / name for name in _FOLDERS if not (data / name).is_symlink()]
    return sorted([*data.glob("*"), *(path for folder in folders for path in folder.rglob("*"))])


def _name(data: Path, path: Path) -> str:
    return path.relative_to(data).as_posix()


def _is_report(path: Path) -> bool:
    return _REPORT_BEGINS.search(_beginning(path)) is not None


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1000)
    except OSError:
        return b""


# ---------------------------------------------------------------- deleting it


@dataclass
class _Deleting:
    """``failed``: the names of what couldn't be deleted, with the reason; ``held``: folders that something was in."""

    data: Path
    failed: dict[str, str] = field(default_factory=dict)
    held: set[Path] = field(default_factory=set)

    def all(self, paths: Iterable[Path]) -> None:
        for path in list(paths):
            self.held.update(self.data / parent for parent in path.relative_to(self.data).parents)
            self._delete(path)

    def _delete(self, path: Path) -> None:
        try:
            if path.is_dir() and not path.is_symlink():
                # The marker last: without it, what is left of an environment wouldn't be known as ours.
                for inner in sorted(path.iterdir(), key=lambda inner: inner.name == MARKER):
                    self._delete(inner)
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            # Of a folder that isn't empty, what is in it is said already.
            if not any(name.startswith(f"{_name(self.data, path)}/") for name in self.failed):
                self.failed[_name(self.data, path)] = error.strerror or type(error).__name__

    def folders(self) -> None:
        """Those that held ours, and the data folder, where nothing is in them any more."""
        spools = (self.data / "spool").glob("*")
        held = {*self.held, *(self.data / name for name in _FOLDERS), *spools}
        for path in (*sorted(held, reverse=True), self.data):
            if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
                self._delete(path)

    def told(self) -> list[str]:
        lines = [f"Deleted what AI Tagger kept in {self.data}." if self.data.exists() else f"Deleted {self.data}."]
        failed = {name.partition("/")[0] for name in self.failed}
        left = sorted({path.name for path in self.data.glob("*")} - failed)
        return [*lines, f"Left alone, since they aren't ours: {_some(left)}."] if left else lines

    def failures(self) -> list[str]:
        said = _some([f"{name} ({reason})" for name, reason in self.failed.items()])
        return [f"Couldn't be deleted: {said}. Delete that yourself."] if said else []


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


# ---------------------------------------------------------------- other libraries


def _others(app: App) -> list[Kept]:
    """Other libraries of which something is kept in the same data folder."""
    with_people = app.people_store.others() if (app.data / PEOPLE_NAME).exists() else []
    return app.store.others(with_people)


def _of_this_library(app: App) -> list[Path]:
    """What may show it; reports of former versions, and of trying, may show another one, whose next run writes them."""
    former = re.compile(rf"{_FORMER_REPORTS}|try/.*")
    paths = [path for path in ours_in(app.data) if former.fullmatch(_name(app.data, path))]
    paths += [path for path in ours_in(app.data) if path.is_relative_to(reports(app))]
    if app.folder is not None:
        paths += app.data.glob(f"folders/{state_of(app.folder, app.data).name}*")
    return [*paths, Path(app.spool.folder)] if app.spool is not None else paths


def _forget_library(app: App) -> None:
    if (app.data / PEOPLE_NAME).exists():
        app.people_store.forget_everybody()
    app.store.forget_library()
    app.close()


def _named(others: list[Kept]) -> str:
    libraries = "another library is" if len(others) == 1 else f"{len(others):,} other libraries are"
    each = _some([f"{one.name} with {many(one.ours, 'tag')} of ours" for one in others])
    return f"{libraries} kept there too ({each})"


def _kept_for(app: App, others: list[Kept]) -> list[str]:
    return [
        f"Deleted what was kept of this library. {app.data} stays, since {_named(others)}: leave those in the same "
        "way, or, if they are gone, delete the folder yourself."
    ]


def _would(app: App, others: list[Kept]) -> list[str]:
    if others:
        return [f"Would delete what is kept of this library. {app.data} would stay, since {_named(others)}."]
    going = {_name(app.data, path).partition("/")[0] for path in ours_in(app.data)}
    left = sorted({path.name for path in app.data.glob("*")} - going)
    alone = f" Would leave alone, since they aren't ours: {_some(left)}." if left else ""
    return [f"Would delete what AI Tagger keeps in {app.data}.{alone}"]


def _what_stays(app: App) -> list[str]:
    """What we can't take away: it is Stash's."""
    if app.server is None:
        return []
    where, stays = app.store.fact("backup"), []
    if where:
        named = "its database's backup from before the first tag" + ("" if where == "made" else f" ({where})")
        stays.append(named)
    if app.host.settings():
        stays.append("what you set on AI Tagger's settings page")
    said = f"Stash keeps {' and '.join(stays)}. " if stays else ""
    return [f"{said}The plugin itself is removed in Stash, under Settings, Plugins."]


ENTRIES: Mapping[str, Operation] = {"leave": leave}
