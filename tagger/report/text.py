"""Every word of the report, in one place. ``{…}`` are filled in; nothing here is HTML."""

from __future__ import annotations

from typing import Final

from tagger import figures
from tagger.types import Verdict

VERDICTS: Final[dict[Verdict, str]] = {"apply": "Apply", "review": "Review", "keep": "Keep"}
VERDICT_MEANS: Final[dict[Verdict, str]] = {
    "apply": "sure enough to become a tag",
    "review": "likely: for you to decide",
    "keep": "a hint: remembered, not used",
}
COUNTS: Final[dict[str, str]] = {
    "items": "items in scope",
    "looked": "looked at",
    "skipped": "already known",
    "failed": "failed",
    "added": "tags written",
    "apply": "tags to apply",
    "review": "tags to review",
}

ONLY_FACES: Final = "Groups of unknown faces, the largest first; then the people who are known, with their examples."
LEDE: Final = "{items}: {apply} to apply, {review} for you to review. Nothing here has been changed."
TOOK: Final = "Took {time}."
MADE: Final = "Made {at}"
NOTES: Final = "Good to know"
TAGS: Final = "Tags"
TAGS_HINT: Final = "Choose one or more to see only what carries all of them."
MORE_TAGS: Final = "{n} more tags"
NO_TAGS: Final = "No tags were found."
HERE_OF_ALL: Final = "{here} on this page, {total} in all"
ITEMS: Final = "Items"
NOTHING: Final = "There are no pictures or videos to show."
NO_MATCH: Final = "Nothing matches. Clear the filters to see everything again."
PROBLEMS: Final = "Couldn’t be looked at"
BROKEN: Final = "{n} couldn’t be looked at."
PARTLY: Final = "Only partly looked at: {reason}"
NO_PICTURE: Final = "No preview"
ABOUT: Final = "About this run"
MODELS: Final = "Models and their licences"
NO_MODELS: Final = "Only the built-in recognizers were used."
OFFLINE: Final = "This page is a single file: it loads nothing from anywhere and remembers nothing."

SEARCH: Final = "Search names and tags"
SHOW: Final = "Show"
ALL: Final = "All"
SORT: Final = "Sort"
SORTS: Final[dict[str, str]] = {
    "found": "As found",
    "name": "By name",
    "surest": "Surest first",
    "unsure": "Least sure first",
}
CLEAR: Final = "Clear"
SHOWN: Final = "{n} of {all} shown"
SHOWN_PAGES: Final = "{n} of {all} shown on this page"
PAGES: Final = "Pages"
PAGE: Final = "Page {n}"
SKIP: Final = "Skip to the items"

WHY: Final = "Why these tags"
NO_ITEM_TAGS: Final = "No tags"
CHIP: Final = "{name}, {percent}, {verdict}"
SEEN_AT: Final = "Seen at {spans}"
MORE_SPANS: Final = "and {n} more"
TIMELINE: Final = "Where in the video it is seen: {spans}"
LOOK: Final = "Look at"
LABEL: Final = "“{label}”"
FRAME_ALT: Final = "{name}, at {time}"

PEOPLE: Final = "People"
FACE_OF: Final = "A face of {name}"
MORE_FACES: Final = "and {n} more"


def counted(n: int, one: str, many: str) -> str:
    """``1 item``, ``2,000 items``."""
    return f"{n:,} {one if n == 1 else many}"


def percent(share: float) -> str:
    """``93 %``, rounded down: what is shown as 90 % has really reached 90 %."""
    return figures.percent(max(0.0, min(1.0, share))).replace(" ", "\N{NARROW NO-BREAK SPACE}")


def clock(time_s: float) -> str:
    """``0:07``, ``1:02:03``."""
    total = max(0, int(time_s + 1e-6))
    hours, minutes, seconds = total // 3600, total // 60 % 60, total % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def took(seconds: float) -> str:
    """``0.8 seconds``, ``42 seconds``, ``3 minutes``, ``2.5 hours``."""
    if seconds < 10:
        return f"{seconds:.1f} seconds"
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
