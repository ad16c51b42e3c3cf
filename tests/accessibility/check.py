"""axe-core, as Debian's Chromium runs it on every given page, in light and dark.

Needs `scripts/bootstrap --browser` and npm. axe-core comes from the npm registry by the integrity of
axe/package-lock.json; the check gives it to the page, since the pages themselves let no script in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)
AXE = Path(__file__).with_name("axe")
BROKEN = b'<!doctype html><html><head><title>x</title></head><body><img src="data:,"></body></html>'


def assert_accessible(pages: Mapping[str, bytes], folder: Path) -> None:
    """No violation on any page; and axe finds those of a page that has some. Skips where Chromium or axe is missing."""
    axe = _fetch_axe(folder)
    for name, content in {**pages, "broken.html": BROKEN}.items():
        (folder / name).write_bytes(content)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(FLAGS), env={**os.environ, "HOME": str(folder)}
        )
        found = {
            f"{name}, {scheme}": violations
            for name in sorted(pages)
            for scheme in ("light", "dark")
            if (violations := _find_violations(browser, folder / name, axe, scheme))
        }
        with browser.new_page() as page:
            page.goto((folder / "broken.html").as_uri())
            page.evaluate(axe)
            seen = {v["id"] for v in page.evaluate("axe.run(document)")["violations"]}
        browser.close()
    assert pages
    assert found == {}
    assert {"html-has-lang", "image-alt"} <= seen, "axe finds faults where there are some"


def _fetch_axe(folder: Path) -> str:
    """The program's text."""
    if not CHROMIUM.is_file():
        pytest.skip(f"{CHROMIUM} is missing: scripts/bootstrap --browser, as root, installs it")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing, which fetches axe-core")
    place = folder / "npm"
    place.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(AXE / name, place)
    argv = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(argv, cwd=place, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        pytest.skip(f"axe-core cannot be fetched: {done.stderr.strip().splitlines()[:1]}")
    return (place / "node_modules" / "axe-core" / "axe.min.js").read_text()


def _find_violations(browser: Browser, page_file: Path, axe: str, scheme: Literal["light", "dark"]) -> list[str]:
    """Of WCAG 2.2 A and AA and of axe's best practices; also every request that the page makes beyond itself."""
    asked: list[str] = []
    with browser.new_context(color_scheme=scheme, bypass_csp=True) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file.as_uri())
        page.evaluate(axe)
        result: dict[str, Any] = page.evaluate("axe.run(document)")
    assert asked == [page_file.as_uri()], "a page asks for nothing but itself"
    assert len(result["passes"]) > 10, "axe looked"
    return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]}" for v in result["violations"]]
