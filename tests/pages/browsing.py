"""Our pages in a real browser, inside a page like Stash's, with the Stash double behind it.

React, its router, its Bootstrap and axe are npm's packages: ``npm ci`` in this folder gets them, as .ci/run does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.double import StashDouble
from tests.pages.asking import until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "react/umd/react.production.min.js",
    "react-dom/umd/react-dom.production.min.js",
    "react-router-dom/umd/react-router-dom.min.js",
    "react-bootstrap/dist/react-bootstrap.min.js",
)
STYLE, AXE = "bootstrap/dist/css/bootstrap.min.css", "axe-core/axe.min.js"
# Stash's own, but for the addresses of casting.
POLICY = "default-src data: 'self' 'unsafe-inline'; connect-src data: 'self'; img-src data: *; child-src 'none'"
# Stash's colours where our pages have something to stand out from.
DARK = """body { background: #202b33; color: #f5f8fa } a, .btn-link, a:hover, .btn-link:hover { color: #48aff0 }
.text-muted { color: #bfccd6 !important }
.card, .popover, .popover-header { background: #30404d; color: #f5f8fa } .popover-body, .table { color: #f5f8fa }
.nav-tabs .nav-link.active { background: #202b33; color: #f5f8fa } .btn-primary { background: #137cbd }
.btn-secondary, .form-control { background: #394b59; color: #f5f8fa }
.badge-secondary { background: #bfccd6; color: #182026 }"""
TOO_WIDE = """() => {
    if (document.documentElement.scrollWidth <= window.innerWidth) return [];
    const all = Array.from(document.querySelectorAll("body *"));
    const wide = all.filter((one) => one.getBoundingClientRect().right > window.innerWidth);
    return ["too wide", ...wide.map((one) => one.outerHTML.slice(0, 200))];
}"""
LIGHT = "a, .btn-link { color: #0b5c9e } .btn-primary { background: #0b5c9e }"  # Bootstrap's own are too pale.
STILL = """document.getAnimations().every((one) =>
    one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""
# A grid is one stop; its cards are reached by arrows. What is folded up can't be pressed.
WANTED = """Array.from(document.querySelectorAll(
    ".ai-tagger-page :is(a[href], button, input, select, summary, [tabindex='0']):not([tabindex='-1'])"
)).filter((one) => one.checkVisibility())"""
PRESSABLE = f"{WANTED}.map((one) => one.outerHTML.slice(0, 120))"
FOCUSED = f"""() => {{
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const number = {WANTED}.indexOf(at);
    const of = (element) => {{
        const style = getComputedStyle(element);
        return style.outlineStyle + style.outlineWidth + style.boxShadow + style.backgroundColor;
    }};
    if (at.type === "date") return {{ number, seen: true }}; // Its parts are stops of their own, and would be lost.
    const label = at.labels && at.labels[0];
    const now = of(at) + (label ? getComputedStyle(label, '::before').boxShadow : '');
    at.blur();
    const then = of(at) + (label ? getComputedStyle(label, '::before').boxShadow : '');
    at.focus();
    return {{ number, seen: now !== then }};
}}"""
FAIL: dict[str, Any] = {"status": 500, "body": "nothing works"}
Answer = Callable[["Route"], None]


def packages() -> Path:
    """Where npm's packages are; skips when they aren't."""
    folder = Path(__file__).parent / "node_modules"
    missing = [name for name in (*PACKAGES, STYLE, AXE) if not (folder / name).is_file()]
    if missing:
        pytest.skip(f"run 'npm ci' in tests/pages for {missing[0]}")
    return folder


def serve(page: Page, stash: StashDouble, scenes: list[str], dark: bool = True, language: str = "en-GB") -> list[str]:
    """Let the browser see Stash's page on the double's address; gives what it complains of, as it comes."""
    npm = packages()
    manifest = yaml.safe_load((ROOT / "ai_tagger.yml").read_text("utf-8"))
    ours = "\n".join((ROOT / name).read_text("utf-8") for name in manifest["ui"]["javascript"])
    style = "\n".join((ROOT / name).read_text("utf-8") for name in manifest["ui"]["css"])
    scripts = "".join(f'<script src="/npm/{i}.js"></script>' for i in range(len(PACKAGES)))
    html = (
        f'<!doctype html><html lang="en"><title>Stash</title><meta name="viewport" content="width=device-width">'
        f'<link rel="stylesheet" href="/npm.css"><link rel="stylesheet" href="/ours.css"><body><div id="root"></div>'
        f"<script>window.scenes = {scenes!r};</script>{scripts}"
        '<script src="/stash.js"></script><script src="/ours.js"></script>'
    )
    answers = {f"/npm/{i}.js": (npm / name).read_text("utf-8") for i, name in enumerate(PACKAGES)}
    answers |= {"/npm.css": (npm / STYLE).read_text("utf-8") + (DARK if dark else LIGHT), "/ours.js": ours}
    answers |= {"/ours.css": style, "/stash.js": (Path(__file__).parent / "stash.js").read_text("utf-8")}

    complaints = listen(page)

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(stash.url)
        kind = "text/css" if path.endswith(".css") else "text/javascript" if path.endswith(".js") else "text/html"
        if "AITaggerLanguage" in (route.request.post_data or ""):  # The double has no such setting.
            route.fulfill(json={"data": {"configuration": {"interface": {"language": language}}}})
        elif path == "/graphql":
            route.continue_()
        elif not route.request.url.startswith(stash.url):
            complaints.append(f"asked of somebody else: {route.request.url}")
            route.abort()
        else:
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(
                status=200, content_type=f"{kind}; charset=utf-8", headers=headers, body=answers.get(path, html)
            )

    page.route("**/*", answer)
    return complaints


def listen(page: Page) -> list[str]:
    """What the browser complains of, as it comes."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    return complaints


def settled(page: Page) -> None:
    """Everything that was asked for is there."""
    page.get_by_role("heading", name="AI Tagger").wait_for()
    page.wait_for_load_state("networkidle")  # An answer may lead to the next question.
    gone(page, ".ai-tagger-page .spinner-border")


def gone(page: Page, selector: str) -> None:
    """Wait until nothing is that any more."""
    until(lambda: page.locator(selector).count() == 0)


def kept(page: Page) -> int:
    """How many answers the browser keeps until the plugin has them."""
    return int(page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('ai-tagger-answer')).length"))


def too_wide(page: Page) -> list[str]:
    """For what somebody would have to scroll sideways."""
    return list(page.evaluate(TOO_WIDE))


def unreached(page: Page) -> list[str]:
    """What somebody with keys alone can't come to, and "unseen" where they don't see that they did."""
    wanted = page.evaluate(PRESSABLE)
    reached, unseen = set(), []
    for _ in range(len(wanted) + 60):  # Once around, from wherever the page put us; Stash's own are among it.
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is not None and found["number"] >= 0:
            reached.add(found["number"])
            unseen += [] if found["seen"] else [f"unseen: {wanted[found['number']]}"]
    return [text for number, text in enumerate(wanted) if number not in reached] + unseen


def barriers(page: Page, within: str = ".ai-tagger-page") -> list[str]:
    """What axe finds serious or critical, a line each."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate((packages() / AXE).read_text("utf-8"))
    # A fading picture has no colours of its own yet.
    until(lambda: bool(page.evaluate(STILL)))
    found = page.evaluate("(within) => axe.run(within)", within)["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
