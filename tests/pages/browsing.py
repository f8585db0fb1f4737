"""Our pages in a real browser, inside a page like Stash's, with the Stash double behind it.

React, its router and its Bootstrap are npm's packages, taken from where ``AI_TAGGER_TEST_NODE_MODULES`` says.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.double import StashDouble

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--no-proxy-server"]
PACKAGES = (
    "react/umd/react.production.min.js",
    "react-dom/umd/react-dom.production.min.js",
    "react-router-dom/umd/react-router-dom.min.js",
    "react-bootstrap/dist/react-bootstrap.min.js",
)
STYLE = "bootstrap/dist/css/bootstrap.min.css"
# Stash's own, but for the addresses of casting.
POLICY = "default-src data: 'self' 'unsafe-inline'; connect-src data: 'self'; img-src data: *; child-src 'none'"


def packages() -> Path:
    """Where npm's packages are; skips when they aren't."""
    folder = Path(os.environ.get("AI_TAGGER_TEST_NODE_MODULES", "node_modules"))
    missing = [name for name in (*PACKAGES, STYLE) if not (folder / name).is_file()]
    if missing:
        pytest.skip(f"AI_TAGGER_TEST_NODE_MODULES names no folder with {missing[0]}")
    return folder


def serve(page: Page, stash: StashDouble, scenes: list[str], dark: bool = True, language: str = "en-GB") -> list[str]:
    """Let the browser see Stash's page on the double's address; gives what it complains of, as it comes."""
    npm = packages()
    manifest = yaml.safe_load((ROOT / "ai_tagger.yml").read_text("utf-8"))
    ours = "\n".join((ROOT / name).read_text("utf-8") for name in manifest["ui"]["javascript"])
    style = "\n".join((ROOT / name).read_text("utf-8") for name in manifest["ui"]["css"])
    colours = "body { background: #202b33; color: #f5f8fa } .text-muted { color: #bfccd6 !important }" if dark else ""
    scripts = "".join(f'<script src="/npm/{i}.js"></script>' for i in range(len(PACKAGES)))
    html = (
        f'<!doctype html><html lang="en"><title>Stash</title><meta name="viewport" content="width=device-width">'
        f'<link rel="stylesheet" href="/npm.css"><link rel="stylesheet" href="/ours.css"><body><div id="root"></div>'
        f"<script>window.scenes = {scenes!r};</script>{scripts}"
        '<script src="/stash.js"></script><script src="/ours.js"></script>'
    )
    answers = {f"/npm/{i}.js": (npm / name).read_text("utf-8") for i, name in enumerate(PACKAGES)}
    answers |= {"/npm.css": (npm / STYLE).read_text("utf-8") + colours, "/ours.js": ours, "/ours.css": style}
    answers["/stash.js"] = (Path(__file__).parent / "stash.js").read_text("utf-8")

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
            route.fulfill(status=200, content_type=kind, headers=headers, body=answers.get(path, html))

    complaints: list[str] = []
    page.route("**/*", answer)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    return complaints
