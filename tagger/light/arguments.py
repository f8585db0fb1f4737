"""The commands of the terminal and what they take, by the standard library alone: help and mistakes cost no set-up."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from tagger.errors import ConfigError
from tagger.light.connection import API_KEY_VARIABLE
from tagger.light.data import DATA_VARIABLE
from tagger.light.machine import DEVICES

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "demo": ("[DIR]", "look at the pictures and videos in DIR, or at some that it draws, and write a report"),
        "setup": ("", "make the private environment and get the starter models"),
        "check": ("", "what works, what doesn't, what to do; every setting and where it comes from"),
        "look": ("PATH …", "what it sees in these files; writes nothing"),
    },
    "Tag a library": {
        "try": ("", "look at about 50 items spread over the library; writes nothing"),
        "tag": ("", "tag what it hasn't seen yet; goes on where it was"),
        "new": ("", "tag what is new since the last run"),
        "again": ("", "after a change of settings: decide everything again; looks at nothing"),
        "undo": ("", "take the last run's tags back, or what the options name"),
        "leave": ("", "take everything back and delete all that is kept of it"),
        "status": ("", "what was done, what waits, what could not be read"),
    },
    "Say what is right": {
        "why": ("", "why a tag is on an item, or isn't: the rule and the numbers"),
        "review": ("[ACTION] …", "what waits for your look, and your answers"),
        "audit": ("[ACTION] …", "applied tags drawn at random, to see how many are right"),
        "happened": ("[ACTION]", "say what became of tags that went missing: removed, or lost"),
        "promise": ("", "what can be promised of each tag, and thresholds that keep it"),
        "markers": ("[ACTION] …", "scene markers where tags are seen"),
        "tidy": ("", "tags that are twice there, on almost everything, or unused"),
        "evaluate": ("[TRUTH]", "how right the tags are, against your own tags, a COCO file or a CSV"),
        "people": ("[ACTION] …", "who is known, and whose face is where"),
    },
    "And": {
        "models": ("[ACTION] …", "list, fetch, remove or check models"),
        "export": ("FILE|DIR", "settings, answers and provenance as one file; applied tags as CSV or XMP"),
        "import": ("FILE", "take in an export"),
        "serve": ("", "look at what is asked for on Stash's pages, until a minute nothing was"),
    },
}
WORDS = {name: told for group in COMMANDS.values() for name, told in group.items()}

MODEL_ACTIONS = ("list", "fetch", "remove", "check")
MARKER_ACTIONS = ("list", "make", "take-back")
AUDIT_ACTIONS = ("list", "right", "wrong")
HAPPENED_ACTIONS = ("list", "removed", "lost")
EXPORT_FORMATS = ("json", "csv", "xmp")
REVIEW_ACTIONS = (
    *("list", "accept", "reject", "instead", "add"),
    *("never-here", "never", "always", "undo", "acts"),
)
PEOPLE_ACTIONS = (
    *("list", "learn", "examples", "take-back", "groups", "faces", "report", "name", "is", "not", "merge", "split"),
    *("ignore", "no-face", "add", "forget", "forget-gone", "reembed", "again"),
)

_MORE = {
    "review": "list; accept, reject or never-here ITEM TAG …; instead ITEM … TAG OTHER; add ITEM … TAG; never TAG; "
    "always TAG 0.85; undo N; acts. With --all, accept, reject, never-here and instead OTHER are about all that waits.",
    "audit": "list; right or wrong ITEM TAG.",
    "models": "list; fetch, remove or check NAME …; check takes a .yaml of yours, too.",
    "markers": "list; make; take-back [TAG …].",
    "people": "docs/people.md tells what each of them does.",
}
_NO_LIBRARY = frozenset({"demo", "setup", "look", "models"})
_MODELS = frozenset({"demo", "setup", "check", "look", "try", "tag", "new", "serve", "models", "people"})
_DRY_RUN = "say what would be done, and write nothing"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What a person asked for: ``command`` is one of WORDS, ``names`` and ``paths`` are tuples.

    Exits after help (0), and on a mistake (2), in a sentence.

    Raises ConfigError for a command that there isn't.
    """
    name = arguments[0]
    if name not in WORDS:
        near = difflib.get_close_matches(name, WORDS, 1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ConfigError(
            f"There is no command '{name}': {hint}'ai_tagger.py --help' lists them; a command comes first."
        )
    parser = _parser(name)
    # Options may stand between an action and its names; behind "--", parse_args alone leaves names that begin with "-".
    read = parser.parse_args if "--" in arguments else parser.parse_intermixed_args
    options = read(arguments[1:], argparse.Namespace(command=name))
    for several in {"names", "paths"} & vars(options).keys():
        said = getattr(options, several)
        setattr(options, several, (said,) if isinstance(said, str) else tuple(said or ()))
    return options


def overview() -> str:
    """What ``--help`` says."""
    lines = ["AI Tagger looks at videos and pictures on your own machine and writes what is in them as tags.", ""]
    lines += ["  ai_tagger.py COMMAND [options]"]
    for group, commands in COMMANDS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {f'{name} {takes}':22} {words}" for name, (takes, words) in commands.items()]
    lines += [
        "",
        "--stash URL or --folder DIR names the library. An item is scene:12 or image:12; in a folder, a file's path.",
        "'ai_tagger.py COMMAND --help' has each command's options.",
        "The first command makes a private environment in the data folder, and says first what it downloads.",
    ]
    return "\n".join(lines) + "\n"


class _Parser(argparse.ArgumentParser):
    """A mistake is one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists what it takes).\n")


def _parser(name: str) -> argparse.ArgumentParser:
    takes, words = WORDS[name]
    usage = " ".join(f"ai_tagger.py {name} {takes} [options]".split())
    parser = _Parser(f"ai_tagger.py {name}", usage=usage, description=words, epilog=_MORE.get(name), allow_abbrev=False)
    _own(name, parser)
    # Every command takes them all, so that a script can always say them; help shows those that make a difference.
    library = _group(parser, "which library", name not in _NO_LIBRARY)
    library("--stash", "URL", "such as http://localhost:9999")
    library("--api-key-file", "FILE", f"a file with Stash's API key (or give it in {API_KEY_VARIABLE})")
    library("--folder", "DIR", "a plain folder instead of Stash; nothing in it changes; an item is a file's path")
    models = _group(parser, "models", name in _MODELS)
    models("--mirror", "DIR|URL", "where model files are taken from (or AI_TAGGER_MIRROR)")
    models("--device", "NAME", f"what they run on: {', '.join(DEVICES)}")
    always = _group(parser, "always", True)
    always("--data", "DIR", f"our data folder (or {DATA_VARIABLE})")
    always("--set", "KEY=VALUE", "any setting of config.yml, for this call", action="append", default=[])
    always("--json", None, "results for programs, on stdout", action="store_true", default=False)
    return parser


def _group(parser: argparse.ArgumentParser, title: str, shown: bool) -> Any:
    group = parser.add_argument_group(title) if shown else parser

    def add(option: str, metavar: str | None, words: str, default: Any = "", **more: Any) -> None:
        more |= {"metavar": metavar} if metavar else {}
        group.add_argument(option, default=default, help=words if shown else argparse.SUPPRESS, **more)

    return add


def _own(name: str, parser: argparse.ArgumentParser) -> None:
    """The arguments of one command."""
    add = parser.add_argument

    def flag(option: str, words: str) -> None:
        add(option, action="store_true", help=words)

    def text(option: str, metavar: str, words: str) -> None:
        add(option, default="", metavar=metavar, help=words)

    def action(choices: Sequence[str], metavar: str = "", words: str = "") -> None:
        add("action", nargs="?", default="list", choices=choices, metavar="ACTION", help=f"one of {', '.join(choices)}")
        if metavar:
            add("names", nargs="*", metavar=metavar, help=words)

    match name:
        case "demo":
            add("paths", nargs="?", metavar="DIR", help="pictures and videos of yours")
        case "look":
            add("paths", nargs="+", metavar="PATH", help="a picture, a video, or a folder of them")
            text("--people", "DIR", "a folder for each person who is known")
        case "try":
            add("--limit", type=int, default=50, metavar="N", help="how many items")
        case "status":
            add("--limit", type=int, default=20, metavar="N", help="how many runs and unreadable items are listed")
        case "tag":
            flag("--dry-run", _DRY_RUN)
            flag("--again", "try those once more that failed twice")
            flag("--forget-gone", "forget what is gone from the library, even if it is much")
        case "new":
            flag("--dry-run", _DRY_RUN)
        case "again":
            flag("--dry-run", _DRY_RUN)
            flag("--yes", "even if much of ours is taken back")
        case "leave":
            flag("--dry-run", _DRY_RUN)
            flag("--yes", "do it")
        case "promise":
            flag("--dry-run", _DRY_RUN)
        case "undo":
            flag("--dry-run", _DRY_RUN)
            add("--run", type=int, metavar="N", help="this run instead of the last one ('status' lists them)")
            text("--tag", "NAME", "what is ours of this tag")
            text("--model", "NAME", "what is ours by this model, with its revision or any")
            text("--item", "ITEM", "what is ours on this item, such as image:12")
            add("--since", default="", type=_moment, metavar="TIME", help="written then (2026-01-31, UTC) or later")
            add("--until", default="", type=_moment, metavar="TIME", help="written before this time")
            flag("--everything", "all that is ours")
        case "why":
            text("--item", "ITEM", "such as image:12")
            text("--tag", "NAME", "such as Dog")
        case "review" | "audit":
            action(REVIEW_ACTIONS if name == "review" else AUDIT_ACTIONS, "ITEM|TAG", "such as image:12 Dog")
            add("--limit", type=int, default=20, metavar="N", help="how many are listed")
            text("--tag", "NAME", "of this tag only")
            text("--feature", "NAME", "of this feature only")
            if name == "review":
                flag("--all", "all that waits (with --tag or --feature: of that)")
        case "happened":
            action(HAPPENED_ACTIONS)
        case "models":
            action(MODEL_ACTIONS, "NAME", "models; none: those that the settings ask for")
        case "markers":
            action(MARKER_ACTIONS, "TAG", "take-back: of these tags only")
        case "evaluate":
            add("paths", nargs="*", metavar="TRUTH", help="a COCO .json or a .csv; none: your own tags")
            text("--out", "DIR", "where the page and the figures are put")
        case "export":
            add("paths", nargs="*", metavar="FILE|DIR", help="where to")
            add("--as", dest="format", default="json", choices=EXPORT_FORMATS, help="what is written (json)")
            flag("--beside-media", "XMP sidecars beside your media files, in your own folders")
        case "import":
            add("paths", nargs=1, metavar="FILE", help="an export")
        case "people":
            action(PEOPLE_ACTIONS, "WHAT|NAME|DIR", "such as group:5 Ada, or face:12")
            flag("--create", "make performers that there are not")
            flag("--everybody", "forget: all people and all faces")
            text("--box", "X0,Y0,X1,Y1", "add: where the face is, in fractions")
            add("--time", dest="time_s", type=float, default=0.0, metavar="S", help="add: when, in a video")
            add("--least", type=int, default=0, metavar="N", help="groups: of so many faces on")
            flag("--dry-run", "split, reembed: say what would be done")


def _moment(text: str) -> str:
    """A date or a point in time, as ISO-8601 writes it; "" for none."""
    try:
        _ = text and datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2026-01-31 or 2026-01-31T18:00:00Z") from None
    return text
