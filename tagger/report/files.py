"""The report's files: items stream into page bodies, and the finished pages replace the former ones together."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TextIO

from tagger.report.card import card
from tagger.report.disk import plain_errors
from tagger.report.page import Page, Tally, after, before, file_name
from tagger.report.values import ReportItem, ReportSummary


def write_report(folder: Path, entries: Iterable[ReportItem], summary: ReportSummary, *, per_page: int = 2000) -> Path:
    """Write ``report.html`` (and ``report-2.html`` … beyond ``per_page`` items) into ``folder``; its path.

    Takes ``entries`` once, holding one item at a time. The pages of a former report stay until all the new ones are
    complete. They show pictures and faces, so only their owner may read them.

    Raises StoreError when the folder can't be written.
    """
    if per_page < 1:
        raise ValueError(f"per_page is 1 or more, found {per_page}")
    work = folder / ".report-new"
    with plain_errors(folder):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700, parents=True)
        try:
            pages, whole = _write_bodies(work, entries, per_page)
            for page in pages:
                _assemble(work, page, len(pages), whole, summary)
            for page in reversed(pages):
                with suppress(OSError):  # A file system without rights has nobody to keep out.
                    (work / page.file).chmod(0o600)
                (work / page.file).replace(folder / page.file)
            _remove_former(folder, len(pages))
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return folder / file_name(1)


def _write_bodies(work: Path, entries: Iterable[ReportItem], per_page: int) -> tuple[list[Page], Tally]:
    """The cards alone, one file a page: what stands above them is only known when all have passed."""
    page, whole = Page(1), Tally()
    pages = [page]
    with ExitStack() as stack:
        out = stack.enter_context(_body(work, page))
        for item in entries:
            if page.tally.items == per_page:
                stack.close()
                page = Page(len(pages) + 1)
                pages.append(page)
                out = stack.enter_context(_body(work, page))
            whole.add(item)
            page.tally.add(item)
            if item.error is not None:
                page.problems.append((item.name, item.shown_path, item.public(item.error)))
            if item.error is None or item.decisions or item.thumbs:
                out.write(card(item, page.tally.items, page.tally.key_of) + "\n")
    return pages, whole


def _body(work: Path, page: Page) -> TextIO:
    return (work / f"{page.number}.part").open("w", encoding="utf-8", newline="\n")


def _assemble(work: Path, page: Page, pages: int, whole: Tally, summary: ReportSummary) -> None:
    part = work / f"{page.number}.part"
    with (work / page.file).open("wb") as out, part.open("rb") as body:
        out.write(before(page, pages, whole, summary).encode("utf-8"))
        shutil.copyfileobj(body, out)
        out.write(after(page, pages, summary).encode("utf-8"))
    part.unlink()


def _remove_former(folder: Path, pages: int) -> None:
    """Pages of a longer former report, which nothing links to any more."""
    number = pages + 1
    while (stale := folder / file_name(number)).exists():
        stale.unlink()
        number += 1
