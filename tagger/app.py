"""The only place that builds things, each when it is first needed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from tagger import catalogue, config
from tagger.catalogue import AnySpec, Catalogue, FaceDetectorSpec, FaceEmbedderSpec, Source
from tagger.config import Loaded
from tagger.engines.devices import Device, DeviceReport, choose_device, probe_devices
from tagger.engines.onnx import OnnxEngine
from tagger.errors import ConfigError, EngineError, ModelError, SetupError
from tagger.folder import FolderLibrary, state_of
from tagger.judgement.aggregate import Knowledge
from tagger.judgement.decide import GalleryRule, Policy
from tagger.judgement.vocabulary import Language, Tree
from tagger.library.judge import Judge
from tagger.library.marking import Rule as MarkerRule
from tagger.library.people.desk import Desk
from tagger.library.people.judging import Wanted
from tagger.library.promise import with_answers
from tagger.library.tools import Tools
from tagger.light.connection import Connection
from tagger.light.data import write_snapshot
from tagger.light.library import remember_key
from tagger.light.spool import Spool
from tagger.media.sampler import ProcessMedia
from tagger.people.likeness import Likeness
from tagger.people_store import PEOPLE_NAME, PeopleStore
from tagger.pipeline import Pipeline
from tagger.policy import doubts, known_names, load_language, names_something, policy_of, refuse_unknown, tree_of
from tagger.ports import Host, Library, Progress, Recognizer
from tagger.recognizers import build
from tagger.recognizers.builtin import builtin_calibrations, builtins
from tagger.recognizers.faces.crops import embed_crops
from tagger.snapshot import write_policy
from tagger.stash.host import StashHost
from tagger.stash.library import StashLibrary
from tagger.stash.server import StashServer
from tagger.store import DATABASE_NAME, SqliteStore
from tagger.terminal import Terminal

MIRROR_VARIABLE = "AI_TAGGER_MIRROR"
CONFIG_NAME = "config.yml"
_GPU_BATCH = 32
# Each decoder holds up to sampling.memory_mb, and each thread a model's working memory: one of each a core would take
# many gigabytes on a machine of 64, and so many decoders wait for the same disk anyway. The settings may say more.
_MOST_WORKERS, _MOST_THREADS = 4, 8
_CPU_BATCH = 1  # measured: on a CPU more is slower, since less of it stays in the caches, and takes memory


@dataclass
class App:
    """Builds what operations work with. ``connection`` or ``folder`` names the library; both None: there is none.

    ``arguments`` are configuration keys of this call (``{"engine.device": "cpu"}``). ``is_plugin``: Stash started us.
    ``owns_process``: nothing else lives in this process, so that it may stand back for other programs for good.
    """

    root: Path
    data: Path
    progress: Progress
    connection: Connection | None = None
    folder: Path | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_plugin: bool = False
    owns_process: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    # ------------------------------------------------------------ settings

    @cached_property
    def loaded(self) -> Loaded:
        """The effective configuration. Raises ConfigError, LibraryError (Stash is asked for its settings)."""
        arguments = dict(self.arguments)
        if self.environment.get(MIRROR_VARIABLE):
            arguments.setdefault("models.mirror", self.environment[MIRROR_VARIABLE])
        file = self.data / CONFIG_NAME
        settings = self.host.settings() if self.server is not None else {}
        loaded = config.load(file, settings, arguments)
        self._keep_light_snapshot(loaded)
        return loaded

    @property
    def config(self) -> config.Config:
        return self.loaded.config

    def _keep_light_snapshot(self, loaded: Loaded) -> None:
        snapshot = config.light_snapshot(loaded.config) | {"verify_tls": not loaded.config.stash.self_signed}
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            if self.server is not None:
                write_snapshot(str(self.data), snapshot)
        except OSError as error:
            raise SetupError(
                f"The data folder {self.data} can't be written ({error.strerror}): make room, give this user the right "
                "to write there, or name another folder with --data or AI_TAGGER_DATA."
            ) from error

    def write_example_config(self) -> bool:
        """Put ``config.yml`` into the data folder if there is none; whether it was written."""
        file = self.data / CONFIG_NAME
        names = ("config.example.yml", "config.example.yaml")
        example = next((self.root / name for name in names if (self.root / name).exists()), None)
        if file.exists() or example is None:
            return False
        half = file.with_name(f"{file.name}.{os.getpid()}.part")
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            half.write_text(config.as_a_start(example.read_text(encoding="utf-8")), encoding="utf-8")
            half.replace(file)
        except OSError as error:
            with contextlib.suppress(OSError):
                half.unlink(missing_ok=True)
            reason = error.strerror or type(error).__name__
            raise SetupError(
                f"{file} can't be written ({reason}): make room or correct the rights of {self.data}, then try again."
            ) from error
        return True

    # ------------------------------------------------------------ the library

    @cached_property
    def server(self) -> StashServer | None:
        if self.connection is None:
            return None
        # Whether its certificate counts has to be known before Stash can be asked for the other settings.
        only_file = config.load(self.data / CONFIG_NAME, None, self.arguments).config
        return StashServer(self.connection.without_tls_check() if only_file.stash.self_signed else self.connection)

    @cached_property
    def host(self) -> Host:
        if self.server is None:
            return Terminal()
        stash = StashHost(self.server)
        return stash if self.is_plugin else Terminal(stash)

    @property
    def backs_up(self) -> bool:
        """Whether a backup comes before the first write ever; a plain folder has no database."""
        return self.config.run.backup and self.folder is None

    @cached_property
    def library(self) -> Library:
        """Raises ConfigError when none was named."""
        if self.server is not None:
            return StashLibrary(self.server)
        if self.folder is not None:
            return FolderLibrary(self.folder, state_of(self.folder, self.data))
        raise ConfigError("Which library? Give --stash URL (as in --stash http://localhost:9999) or --folder DIR.")

    @cached_property
    def store(self) -> SqliteStore:
        keep = self.config.keep
        if self.connection is not None and self.connection.dir:
            with contextlib.suppress(OSError):  # Pages then ask Stash themselves.
                remember_key(str(self.data), self.connection.dir, self.library.key)
        return SqliteStore(
            self.data / DATABASE_NAME,
            self.library.key,
            self.library.name,
            thumbs_cap_mb=keep.thumbs_mb,
            keep_thumbs=keep.thumbs,
        )

    @cached_property
    def spool(self) -> Spool | None:
        """What hooks noted for this library; None for a plain folder."""
        if self.server is None or self.connection is None:
            return None
        directory = self.connection.dir
        if not directory:
            directory = str(PurePath(self.server.facts().config_path).parent)
        return Spool(str(self.data), directory)

    def take_in(self) -> None:
        """Move what hooks noted into the store's queue. Replaying it does no harm."""
        if self.spool is None:
            return
        try:
            entries = self.spool.take()
            self.store.enqueue([entry.ref for entry in entries], 0, "new")
            for entry in entries:
                entry.done()
        except OSError as error:
            self.progress.warn(f"New items can't be taken in ({error.strerror}): {self.data} needs rights and room.")

    def spool_is_finished(self) -> bool:
        """Whether hooks noted nothing more; from now on the next hook queues a run again."""
        return self.spool is None or self.spool.finish()

    # ------------------------------------------------------------ models

    @property
    def models_folder(self) -> Path:
        """A user's own yamls, and the weights in a folder each."""
        return self.data / "models"

    @property
    def source(self) -> Source:
        return Source(self.config.models.mirror, self.config.models.proxy, self.config.models.offline)

    @cached_property
    def catalogue(self) -> Catalogue:
        found = catalogue.load(self.models_folder)
        for notice in found.notices:
            self.progress.say(notice)
        return found

    @cached_property
    def chosen(self) -> tuple[AnySpec, ...]:
        """The models that the configuration asks for, here or not. Raises ConfigError for a name that isn't there."""
        return self._wanted(lambda spec: self.mode(spec.feature) != "off")

    def _wanted(self, which: Callable[[AnySpec], bool]) -> tuple[AnySpec, ...]:
        chosen = {spec.name: spec for spec in self.catalogue.preset(self.config.models.preset)}
        for name in self.config.models.use:
            chosen[name] = self.catalogue.get(name)
        return tuple(spec for name, spec in chosen.items() if name not in self.config.models.skip and which(spec))

    def mode(self, feature: str) -> str:
        """apply, review, look or off; a feature of the user's own is applied."""
        return self.config.features.get(feature, "apply")

    @property
    def installed(self) -> tuple[AnySpec, ...]:
        return tuple(spec for spec in self.chosen if spec.installed(self.models_folder))

    @property
    def missing(self) -> tuple[AnySpec, ...]:
        return tuple(spec for spec in self.chosen if not spec.installed(self.models_folder))

    def fetch_missing(self) -> list[str]:
        """Get the chosen models that aren't here, saying first from where and how much; why some could not be had."""
        if not self.missing:
            return []
        plan = catalogue.plan(self.missing, self.models_folder, self.source)
        if plan.files:
            self.progress.say(plan.sentence())
        problems = []
        for spec in self.missing:
            try:
                catalogue.fetch(spec, self.models_folder, self.source, self.progress.at)
                size = catalogue.megabytes(spec.bytes)
                self.progress.say(f"{spec.title or spec.name} is here ({size}, {spec.licence}).")
            except ModelError as error:
                problems.append(str(error))
        return problems

    # ------------------------------------------------------------ looking

    @cached_property
    def devices(self) -> list[DeviceReport]:
        return probe_devices()

    @cached_property
    def device(self) -> Device:
        """Where models run. Raises EngineError rather than falling back from a GPU that was used before."""
        asked = self.config.engine.device
        device = choose_device() if asked == "auto" else asked
        before = self.store.fact("device") if self.connection is not None or self.folder is not None else ""
        if asked == "auto" and device == "cpu" and before not in ("", "cpu"):
            reason = next(
                (report.reason for report in self.devices if report.name == before), "it isn't there any more"
            )
            raise EngineError(
                f"The last run used {before}, which can't be used now: {reason} Repair it, or set engine.device (on "
                "Stash's page: Compute on) to cpu, which is slower by far."
            )
        return device

    @property
    def cores(self) -> int:
        """How many processor cores we may use."""
        free = self.config.run.free_cores
        return max(1, _usable_cores() - free)

    def be_modest(self) -> None:
        """Stand back for other programs, and leave the free cores alone."""
        if not self.owns_process:
            return
        if hasattr(os, "nice"):
            os.nice(max(0, self.config.run.nice - os.nice(0)))
        if sys.platform == "linux":
            ours = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, ours[-self.cores :])

    def engine(self, weights: Path) -> OnnxEngine:
        """These weights, ready to run. Several calls of one thread each beat one call of several threads."""
        return OnnxEngine(weights, self.device, threads=1)

    @cached_property
    def recognizers(self) -> tuple[Recognizer, ...]:
        """Of the installed models that were chosen, and the built-in ones. Raises ModelError, EngineError."""
        most = _CPU_BATCH if not self.installed or self.device == "cpu" else _GPU_BATCH
        of_models = [build(spec, self.models_folder, self.engine, most) for spec in self.installed]
        builtin = [r for r in builtins() if self.mode(r.feature) != "off"]
        return (*of_models, *builtin)

    @cached_property
    def pipeline(self) -> Pipeline:
        threads = self.config.engine.threads or (min(self.cores, _MOST_THREADS) if self.device == "cpu" else 2)
        return Pipeline(self.media, self.recognizers, threads, self.config.keep.thumbs)

    @cached_property
    def media(self) -> ProcessMedia:
        sampling, run = self.config.sampling, self.config.run
        return ProcessMedia(
            workers=run.workers or min(self.cores, _MOST_WORKERS),
            reader=sampling.reader,
            frames=sampling.frames,
            picture_side_px=sampling.picture_side_px,
            video_side_px=sampling.video_side_px,
            path_map=self.config.stash.path_map,
            source=self.config.stash.source,
            http_headers=self._media_headers,
            verify_tls=not self.config.stash.self_signed,
            memory_budget_mb=sampling.memory_mb,
            item_timeout_s=sampling.item_timeout_s,
        )

    def _media_headers(self) -> Mapping[str, str]:
        return self.server.connection.headers() if self.server is not None else {}

    # ------------------------------------------------------------ people

    @cached_property
    def face_spec(self) -> FaceEmbedderSpec | None:
        """Whose vectors are compared: the last one in models.use, else that of the preset; None when faces are off."""
        if self.mode("people") == "off":
            return None
        found = [spec for spec in self.installed if isinstance(spec, FaceEmbedderSpec)]
        return found[-1] if found else None

    @property
    def face_specs(self) -> tuple[FaceEmbedderSpec, ...]:
        """All that make vectors of faces, here or not."""
        return tuple(spec for spec in self.catalogue.specs.values() if isinstance(spec, FaceEmbedderSpec))

    @cached_property
    def people_store(self) -> PeopleStore:
        return PeopleStore(self.data / PEOPLE_NAME, self.library.key)

    @cached_property
    def desk(self) -> Desk | None:
        """The people of the library; None when they are off, their model isn't here, or there is no library."""
        has_library = self.connection is not None or self.folder is not None
        return self.desk_over(lambda: self.people_store) if has_library else None

    def desk_over(self, store: Callable[[], PeopleStore]) -> Desk | None:
        """The same over another store."""
        spec = self.face_spec
        if spec is None:
            return None
        c = self.config.people
        wanted = Wanted(
            c.least_face_px,
            c.least_quality,
            c.least_group,
            c.create,
            frozenset(name.casefold() for name in c.only),
            frozenset(name.casefold() for name in c.never),
            tuple(c.exclude_tags),
            self.config.keep.crops,
        )

        def embed(crops: Sequence[bytes]) -> list[bytes]:
            return embed_crops(spec, self.models_folder, self.engine, crops)

        def width_px(fingerprint: str) -> int:
            return self.store.file_shapes([fingerprint]).get(fingerprint, (0, 0, 0.0))[0]

        likeness = Likeness.of(spec.identity)
        return Desk(store(), spec.model, likeness, self.policy, wanted, self.config.tags.update, embed, width_px)

    @property
    def face_pipeline(self) -> Pipeline:
        """Looks for faces only. Raises ModelError, EngineError."""
        spec = self.face_spec
        if spec is None:
            raise ModelError("People are off, or their model isn't here: set features.people and run 'Set up'.")
        recognizer = build(spec, self.models_folder, self.engine, _CPU_BATCH if self.device == "cpu" else _GPU_BATCH)
        return Pipeline(self.media, [recognizer], self.config.engine.threads or min(self.cores, _MOST_THREADS), False)

    # ------------------------------------------------------------ judging

    @cached_property
    def knowledge(self) -> Knowledge:
        """Of all models that could have looked, those of features that are off too: what they saw is still judged."""
        # Faces are judged by who they are, not by there being one.
        faces = (FaceEmbedderSpec, FaceDetectorSpec)
        specs = tuple(
            spec
            for spec in self._wanted(lambda _: True)
            if spec.installed(self.models_folder) and not isinstance(spec, faces)
        )
        features = {spec.model: spec.feature for spec in specs} | {r.model: r.feature for r in builtins()}
        groups = {spec.model: spec.members for spec in specs if spec.members}
        return Knowledge(
            features=features,
            groups=groups,
            only_groups=frozenset(spec.model for spec in specs if spec.only_groups),
            calibrations=self.catalogue.calibrations(specs, self.models_folder, builtin_calibrations()),
        )

    @cached_property
    def policy(self) -> Policy:
        """Raises ConfigError when it names what there isn't."""
        language = load_language(self.config.tags.language, self.data / "names")
        libraries: list[str] = []
        if self.config.rules:
            libraries += [self.library.key, self.library.name]
            libraries += [self.connection.base_url] if self.connection is not None else []
            libraries += [str(self.folder)] if self.folder is not None else []
        self._refuse_unknown(language)
        policy = policy_of(self.config, language, libraries)
        if self.connection is None and self.folder is None:
            return policy
        policy = with_answers(policy, self.store.rules(), self.config.promise)
        with contextlib.suppress(OSError):  # A page is told by the last one that could be written.
            write_policy(self.data, policy, self.loaded.origins, self.config.promise)
        return policy

    def _refuse_unknown(self, language: Language) -> None:
        if names_something(self.config):
            features = {spec.feature for spec in self.catalogue.specs.values()}
            refuse_unknown(self.config, language, *self._named, features)

    @cached_property
    def known_names(self) -> frozenset[str]:
        """In normal form, all that answers to a name (:func:`tagger.policy.known_names`)."""
        return known_names(self.config, self.policy.names.language, *self._named)

    @property
    def doubts(self) -> list[str]:
        """A sentence for each name on a list that nothing answers to: a slip, or a name that will come."""
        return doubts(self.config, self.known_names)

    @cached_property
    def _named(self) -> tuple[frozenset[str], list[str]]:
        """The labels of models that are here, and the names of the library's tags."""
        labels: set[str] = set()
        for spec in self.catalogue.specs.values():
            with contextlib.suppress(ModelError):  # Its labels come with its weights.
                labels |= {*spec.read_labels(self.models_folder), *spec.members}
        for builtin in builtins():
            labels |= set(builtin.labels)
        has_library = self.connection is not None or self.folder is not None
        return frozenset(labels), [tag.name for tag in self.library.tags()] if has_library else []

    @cached_property
    def judge(self) -> Judge:
        c = self.config
        return Judge(
            self.knowledge,
            self.policy,
            GalleryRule(c.limits.gallery_share, c.limits.gallery_least),
            c.tags.create,
            c.tags.applied_marker,
            c.tags.review_marker,
            c.tags.update,
            people=self.desk,
        )

    def tools(self, looking: bool = True, judging: bool = False) -> Tools:
        """What the use cases work with; without ``looking`` no model is loaded, and only ``judging`` decides."""
        judging = looking or judging
        return Tools(
            self.library,
            self.store,
            self.pipeline if looking else Pipeline(self.media, (), 1),
            self.judge if judging else Judge(),
            self.host,
            self.progress,
            tree_of(self.config, self.policy.names) if judging else self._plain_tree(),
            self.take_in,
            marking=self.marking if judging else None,
            ask=self.ask if self.server is not None else None,
        )

    def ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Stash itself, for what no other library has. Raises ConfigError without one, LibraryError."""
        if self.server is None:
            raise ConfigError("That needs a Stash: give --stash URL.")
        return self.server.call(query, variables)

    @property
    def marking(self) -> MarkerRule | None:
        """The rule for markers; None when there is none."""
        tags = self.config.tags.markers
        return MarkerRule(self.ask, tuple(tags)) if tags and self.server is not None else None

    def _plain_tree(self) -> Tree:
        """What tags are called, for those who don't decide; without it where the configuration has a mistake, since
        undoing has to work then too."""
        with contextlib.suppress(ConfigError):
            language = load_language(self.config.tags.language, self.data / "names")
            return tree_of(self.config, policy_of(self.config, language).names)
        return Tree()

    def close(self) -> None:
        """Let go of what was opened."""
        for name in ("store", "people_store", "library"):
            opened: Any = self.__dict__.get(name)
            close: Callable[[], None] | None = getattr(opened, "close", None)
            if close is not None:
                close()


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
