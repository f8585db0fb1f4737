"""Pictures of our pages for docs/: ``python tools/pictures.py http://localhost:9999 docs/pictures``.

The Stash named has this plugin and a library that is free to be shown (``ai_tagger.py demo`` draws one), tagged once.
Needs playwright and a Chromium.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDE, PHONE = (1400, 900), (360, 800)
HOME = "plugins/ai_tagger"
PAGES = {"status": HOME, **{name: f"{HOME}/{name}" for name in ("review", "people", "settings")}}
TAB = "a[data-rb-event-key=ai-tagger-panel]"


def main() -> int:
    if len(sys.argv) != 3:
        sys.stderr.write((__doc__ or "") + "\n")
        return 2
    from playwright.sync_api import sync_playwright

    url, folder = sys.argv[1].rstrip("/"), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for suffix, (width, height) in {"": WIDE, "-phone": PHONE}.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            for name, path in PAGES.items():
                page.goto(f"{url}/{path}")
                page.get_by_role("heading", name="AI Tagger").wait_for()
                page.wait_for_timeout(3000)
                page.locator(".ai-tagger-page .spinner-border").first.wait_for(state="hidden")
                page.screenshot(path=folder / f"{name}{suffix}.png")
            _item(page, f"{url}/scenes?sortby=duration&sortdir=desc", ".scene-card a", folder / f"scene{suffix}.png")
            _item(page, f"{url}/images", ".image-card a", folder / f"image{suffix}.png")
        browser.close()
    return 0


def _item(page: Page, listing: str, link: str, to: Path) -> None:
    """The first item of a list, with what is known of it."""
    page.goto(listing)
    first = page.locator(link).first
    first.wait_for()
    page.goto(listing.rsplit("/", 1)[0] + (first.get_attribute("href") or ""))
    page.locator(".ai-tagger-ask").wait_for()
    if page.locator(TAB).count():
        page.locator(TAB).click()
    page.wait_for_timeout(1500)
    if page.locator(".ai-tagger-name").count():
        page.locator(".ai-tagger-name").first.hover()
        page.wait_for_timeout(1200)
    page.screenshot(path=to)


if __name__ == "__main__":
    sys.exit(main())
