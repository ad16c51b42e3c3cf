"""Open WebUI in a real browser (Debian's Chromium), through Caddy, trusting the stack's own CA and nothing else.

`PROVISION_STANDING` names a stack that stands already (see standing.py). `PROVISION_SCREENSHOT` names a file that the
last screen is kept in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.lab.standing import Stack, standing_stack

pytestmark = [pytest.mark.lab, pytest.mark.slow]

CHOICE = ("--profile", "sme-2x4090", "--set", "network.cidr=10.97.9.0/24", "--lab")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FACT = "The door of the archive in Lisbon opens with the number 7319."
ANSWER_MS = 180_000
"""A small model on a busy processor, which first reads the document."""
PATIENCE_MS = 10_000
"""The lab's small model does not know when to end: after this long it is stopped, as a person would."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    missing = [name for name in ("chromium", "certutil") if not shutil.which(name)]
    assert not missing, f"{', '.join(missing)} missing: scripts/bootstrap --browser, as root, installs them"
    with standing_stack(CHOICE, "sme-2x4090") as stack:
        yield stack


@pytest.fixture
def page(stack: Stack, tmp_path: Path) -> Iterator[Page]:
    """A browser of its own: an empty profile, and a home whose certificate store holds the stack's CA alone."""
    store = tmp_path / ".pki" / "nssdb"
    store.mkdir(parents=True)
    root = stack.workspace / "ca-root.crt"
    for arguments in (["-N", "--empty-password"], ["-A", "-n", "stack", "-t", "C,,", "-i", str(root)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *arguments], check=True, capture_output=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path="/usr/bin/chromium",
            headless=True,
            args=list(FLAGS),
            env={**os.environ, "HOME": str(tmp_path)},
            viewport={"width": 1000, "height": 640},
        )
        try:
            yield browser.pages[0]
        finally:
            browser.close()


def find_site(stack: Stack, name: str) -> str:
    return next(str(site["url"]) for site in stack.plan()["sites"] if site["name"] == name)


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(find_site(stack, "chat"))
    page.locator("input[type=email]").fill(stack.plan()["admin_email"])
    page.locator("input[type=password]").fill(stack.secrets()["open_webui_admin_password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    # The first sign-in of an account is shown what is new, at a moment of its own.
    greeting = page.get_by_role("button", name="Okay, Let's Go!")
    page.add_locator_handler(greeting, lambda: greeting.click())
    expect(page.locator("#chat-input")).to_be_visible(timeout=60_000)


def ask(page: Page, question: str) -> Any:
    """Type a question and send it; the answer, once it is whole or was stopped."""
    field = page.locator("#chat-input")
    field.click()
    field.press_sequentially(question)
    field.press("Enter")
    answer, whole = page.locator(".chat-assistant").last, page.get_by_role("button", name="Regenerate")
    # The small model writes whatever it likes, an empty heading too.
    expect(answer.locator("p, h1, h2, h3, li, pre, table").first).to_be_attached(timeout=ANSWER_MS)
    page.wait_for_timeout(PATIENCE_MS)
    if (stop := page.get_by_role("button", name="Stop", exact=True)).is_visible():
        stop.click()
    expect(whole).to_be_visible(timeout=ANSWER_MS)
    return answer


def test_a_stranger_to_the_ca_is_warned(stack: Stack, tmp_path: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path="/usr/bin/chromium",
            headless=True,
            args=list(FLAGS),
            env={**os.environ, "HOME": str(tmp_path)},
        )
        with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
            browser.pages[0].goto(find_site(stack, "chat"))
        browser.close()


def test_a_person_signs_in_asks_and_has_a_document_cited(stack: Stack, page: Page, tmp_path: Path) -> None:
    sign_in(page, stack)
    answer = ask(page, "Name the capital of France.")
    assert len(answer.inner_text().strip()) > 1
    document = tmp_path / "archive.txt"
    document.write_text(FACT)
    page.goto(find_site(stack, "chat"))
    page.locator("input[type=file]").first.set_input_files(document)
    expect(page.get_by_text("archive.txt").first).to_be_visible(timeout=60_000)
    answer = ask(page, "Which number opens the archive?")
    expect(answer.get_by_role("button", name="1 Source")).to_be_visible()
    answer.get_by_role("button", name="1 Source").click()
    if kept := os.environ.get("PROVISION_SCREENSHOT"):
        page.screenshot(path=kept)
    answer.get_by_text("archive.txt").last.click()
    expect(page.get_by_role("dialog").get_by_text(FACT)).to_be_visible()
