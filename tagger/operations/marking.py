"""The operation ``markers``: a rule for the whole library, and taking back what is ours."""

from __future__ import annotations

from collections.abc import Mapping

from tagger.app import App
from tagger.errors import ConfigError
from tagger.judgement.vocabulary import matches
from tagger.library import marking
from tagger.operations.operation import Answer, Operation, Wish, as_worker

_PAGE = 200


def markers(app: App, wish: Wish) -> Answer:
    """list; make: where tags.markers are seen, in all scenes; take-back [TAG…]: ours, of these tags or all."""
    actions = {"list": _list, "make": _make, "take-back": _take_back}
    if wish.action not in actions:
        raise ConfigError(f"There is no 'markers {wish.action}'; there are: {', '.join(actions)}.")
    if app.server is None:
        raise ConfigError("Only scenes of a Stash have markers: give --stash URL.")
    return actions[wish.action](app, wish)


def _list(app: App, wish: Wish) -> Answer:
    del wish
    scenes = marking.marked(app.store)
    n = scenes.total()
    wanted = app.config.tags.markers
    rule = f"Made for: {', '.join(wanted)}." if wanted else "No rule: tags.markers is empty."
    data = {"markers": n, "scenes": len(scenes), "tags": wanted}
    return Answer([f"{n:,} markers of ours in {len(scenes):,} scenes.", rule], data)


def _make(app: App, wish: Wish) -> Answer:
    del wish
    rule = app.marking
    if rule is None:
        raise ConfigError(
            "Markers for which tags? Name them in tags.markers (on Stash's page: Markers for these tags)."
        )
    tags = [tag for tag in app.store.tally("apply") if matches(tag, rule.tags)]
    made = 0
    with as_worker(app, "markers"):
        scenes = sorted({ref for tag in tags for ref in app.store.scenes_with(tag)}, key=lambda ref: int(ref.id))
        for at in range(0, len(scenes), _PAGE):
            made += marking.follow(rule, app.store, scenes[at : at + _PAGE], app.progress.warn)
            app.progress.at(min(at + _PAGE, len(scenes)), len(scenes))
    return Answer([f"Made {made:,} markers in {len(scenes):,} scenes."], {"made": made, "scenes": len(scenes)})


def _take_back(app: App, wish: Wish) -> Answer:
    with as_worker(app, "markers"):
        taken = marking.take_all_back(app.ask, app.store, wish.names)
    return Answer([f"Took {taken:,} markers back."], {"taken_back": taken})


ENTRIES: Mapping[str, Operation] = {
    "markers": markers,
}
