"""The operations about models: list, fetch, remove, check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from tagger import catalogue
from tagger.app import App
from tagger.errors import ConfigError, TaggerError
from tagger.operations.operation import DONE, SOME_FAILED, Answer, Operation, Wish
from tagger.recognizers import check as check_model


def models(app: App, wish: Wish) -> Answer:
    """list, fetch NAME…, remove NAME…, check NAME…: what there is, from whom, under which licence."""
    actions: dict[str, Callable[[App, tuple[str, ...]], Answer]] = {
        "list": _models_list,
        "fetch": _models_fetch,
        "remove": _models_remove,
        "check": _models_check,
    }
    return actions[wish.action](app, wish.names)


def _models_list(app: App, names: tuple[str, ...]) -> Answer:
    specs = [app.catalogue.get(name) for name in names] or list(app.catalogue.specs.values())
    rows = catalogue.listing(specs, app.models_folder)
    used = {spec.name for spec in app.chosen}
    within = _within(app)
    by_name = {spec.name: spec for spec in specs}
    lines = [
        f"{'*' if row.name in used or row.name in within else ' '} {row.name:20} {row.feature:9} "
        f"{catalogue.megabytes(row.bytes):>12}  {'here' if row.installed or row.name in within else '':5} "
        f"{'' if row.tested else 'untested':9} {row.licence}"
        for row in rows
    ]
    lines += ["", "*: used with the settings in force. 'models.use: [NAME]' in config.yml switches another one on."]
    lines += ["here: its files are on this computer; 'models fetch NAME' gets them, 'models remove NAME' deletes them."]
    lines += [
        f"{name}: came along with {of}, which finds faces with it." for name, of in within.items() if name in by_name
    ]
    lines += [catalogue.own_in_use(spec) for spec in specs if spec.own and spec.name in used]
    if not all(row.tested for row in rows):
        lines += ["untested: we haven't run its weights yet; 'models check NAME' does, once they are here."]
    said = [
        asdict(row) | {"used": row.name in used, "within": within.get(row.name, "")} | _costs(app, by_name[row.name])
        for row in rows
    ]
    return Answer(lines, {"models": said})


def _within(app: App) -> dict[str, str]:
    """Face detectors whose files are at work among those of a face embedder: the detector → the embedder."""
    return {spec.detector: spec.name for spec in app.installed if isinstance(spec, catalogue.FaceEmbedderSpec)}


def _costs(app: App, spec: catalogue.AnySpec) -> dict[str, object]:
    """What getting it would take: bytes over the network, and from whom; or why nobody can tell."""
    try:
        plan = catalogue.plan([spec], app.models_folder, app.source)
    except TaggerError as error:
        return {"to_get": 0, "hosts": [], "problem": str(error)}
    return {"to_get": plan.bytes, "hosts": list(plan.hosts), "problem": ""}


def _models_fetch(app: App, names: tuple[str, ...]) -> Answer:
    specs = [app.catalogue.get(name) for name in names] or list(app.missing)
    plan = catalogue.plan(specs, app.models_folder, app.source)
    lines = [] if specs else ["All models that the settings ask for are here."]
    if plan.files:
        app.progress.say(plan.sentence())
    for spec in specs:
        catalogue.fetch(spec, app.models_folder, app.source, app.progress.at)
        lines.append(f"{spec.name} is here. Licence: {spec.licence}.")
    return Answer(lines, {"fetched": [spec.name for spec in specs]})


def _models_remove(app: App, names: tuple[str, ...]) -> Answer:
    if not names:
        raise ConfigError("Which models? 'models list' shows their names; give one or more of them.")
    freed = {name: catalogue.remove(app.catalogue.get(name), app.models_folder) for name in names}
    lines = [f"{name}: {f'{catalogue.megabytes(n)} freed' if n else 'nothing to delete'}." for name, n in freed.items()]
    return Answer(lines, {"freed": freed})


def _models_check(app: App, names: tuple[str, ...]) -> Answer:
    lines, failed, data = [], 0, []
    for name in names or tuple(spec.name for spec in app.installed):
        path = Path(name)
        spec = catalogue.read(path) if path.suffix in (".yaml", ".yml") and path.exists() else app.catalogue.get(name)
        if isinstance(spec, catalogue.JurySpec):
            lines.append(f"{name} is a jury; there is nothing to run.")
            continue
        report = check_model(spec, app.models_folder, app.engine)
        failed += bool(report.problem)
        lines += [f"{report.model}: {report.problem or 'works'}", *(f"  {shape}" for shape in report.shapes)]
        if not report.problem:
            lines.append(f"  on a drawn picture it says: {', '.join(report.findings) or 'nothing'}")
        data.append(asdict(report))
    return Answer(lines, {"models": data}, SOME_FAILED if failed else DONE)


ENTRIES: Mapping[str, Operation] = {
    "models": models,
}
