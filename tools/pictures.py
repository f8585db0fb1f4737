"""Pictures of our pages for docs/: ``python tools/pictures.py http://localhost:9999 docs/pictures``.

The Stash named has this plugin and a library that is free to be shown (``ai_tagger.py demo`` draws one). Run it once
after *Try it*, for the first visit, and once after *Tag library*; ``tools/drawn_people.py`` gives it people. Needs
playwright, Pillow and a Chromium.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDE, PHONE = (1400, 900), (360, 800)
MOST_BYTES = 200_000
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
            if _is_first_visit(page, url):
                page.locator(".ai-tagger-found").wait_for()
                _keep(page, folder / f"first{suffix}.png")
                continue
            for name, path in PAGES.items():
                _open(page, f"{url}/{path}")
                _keep(page, folder / f"{name}{suffix}.png")
            _item(page, f"{url}/scenes?sortby=duration&sortdir=desc", ".scene-card a", folder / f"scene{suffix}.png")
            _item(page, f"{url}/images", ".image-card a", folder / f"image{suffix}.png")
        browser.close()
    return 0


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("heading", name="AI Tagger").wait_for()
    page.wait_for_timeout(3000)
    page.wait_for_load_state("networkidle")  # What comes later has come, too.
    page.locator(".ai-tagger-page .spinner-border").first.wait_for(state="hidden")


def _is_first_visit(page: Page, url: str) -> bool:
    _open(page, f"{url}/{HOME}")
    return page.locator(".ai-tagger-steps").count() > 0


def _keep(page: Page, to: Path) -> None:
    """As it is where that is small, else in 256 colours, which nobody sees."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.save(to, optimize=True)
    if to.stat().st_size > MOST_BYTES:
        shot.quantize(256, Image.Quantize.MEDIANCUT).save(to, optimize=True)


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
    _keep(page, to)


if __name__ == "__main__":
    sys.exit(main())
