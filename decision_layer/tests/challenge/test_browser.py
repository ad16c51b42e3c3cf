"""A challenge from the first page to the verdict in Debian's Chromium, with JavaScript off, in three languages.

`scripts/bootstrap --browser`, as root, installs Chromium; without it these tests are skipped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from decision_layer.challenge.pages import WORDS
from tests.gateway.running import PUBLIC, Lab

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
CHAT: dict[str, Any] = {
    "model": "auto",
    "messages": [{"role": "user", "content": "Pay to DE89 3704 0044 0532 0130 00 please"}],
}
EVE = {"x-openwebui-user-email": "eve@example.org"}
NAMELESS = """() => [...document.querySelectorAll('input:not([type=hidden]), textarea, select, button, a')]
    .filter(e => !(e.labels && e.labels.length) && !e.textContent.trim() && !e.getAttribute('aria-label'))
    .map(e => e.outerHTML)"""
HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3, h4')].map(e => Number(e.tagName[1]))"
# WCAG 2.2, 1.4.3: relative luminance and contrast of every element's own text on the nearest background.
FAINT = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || [255, 255, 255, 0]).map(Number);
  const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll('*')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .map(e => {
      const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
      return [e.tagName, (a + 0.05) / (b + 0.05)];
    })
    .filter(([, ratio]) => ratio < 4.5);
}"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: scripts/bootstrap --browser installs it"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Somebody with JavaScript off."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def record(lab: Lab) -> str:
    return lab.post("/v1/chat/completions", CHAT, **PUBLIC).headers["x-decision-record"]


def file(page: Page, lab: Lab, record: str, language: str) -> str:
    """The number on the receipt."""
    say = WORDS[language]
    page.goto(f"{lab.url}/challenge?lang={language}")
    page.get_by_label(say["record"], exact=True).fill(record)
    page.get_by_label(say["text"], exact=True).fill("It was public.")
    page.get_by_label(say["who"], exact=True).fill("eva@example.org")
    page.get_by_role("button", name=say["file"], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say["receipt"])
    return page.locator("#challenge").inner_text()


@pytest.mark.parametrize("language", sorted(WORDS))
def test_filed_reviewed_and_decided_without_javascript(
    browser: Browser, page: Page, lab: Lab, record: str, language: str
) -> None:
    say = WORDS[language]
    number = file(page, lab, record, language)
    login = {"username": "rita", "password": lab.people_keys["rita"]}
    context = browser.new_context(java_script_enabled=False, http_credentials=login)  # type: ignore[arg-type]
    review = context.new_page()
    review.goto(f"{lab.url}/review?lang={language}")
    review.goto(f"{lab.url}/review/{number}?lang={language}")
    expect(review.locator("#replay")).to_contain_text(say["replay_identical"])
    expect(review.locator("#otherwise")).to_contain_text("had the text not held iban")
    expect(review.locator("blockquote")).to_have_text("It was public.")
    review.get_by_label(say["verdict"], exact=True).select_option("upheld")
    review.get_by_label(say["reason"], exact=True).fill("There is an account number in it.")
    review.get_by_label(say["authority"], exact=True).fill("partner")
    review.get_by_role("button", name=say["decide"], exact=True).click()
    expect(review.locator("#verdict")).to_contain_text(say["verdict_upheld"])
    context.close()
    page.reload()
    expect(page.locator("#verdict")).to_have_text(say["verdict_upheld"])


def test_another_language_shows_the_same_receipt(page: Page, lab: Lab, record: str) -> None:
    number = file(page, lab, record, "en")
    page.get_by_role("link", name="da", exact=True).click()
    expect(page.locator("#challenge")).to_have_text(number)
    expect(page.locator("html")).to_have_attribute("lang", "da")


@pytest.mark.parametrize("language", sorted(WORDS))
def test_each_page_can_be_read_and_used_by_everybody(browser: Browser, lab: Lab, record: str, language: str) -> None:
    login = {"username": "rita", "password": lab.people_keys["rita"]}
    context = browser.new_context(http_credentials=login)  # type: ignore[arg-type]
    page = context.new_page()
    number = file(page, lab, record, language)
    addresses = ("/challenge", f"/challenge/status?number={number}", "/review", f"/review/{number}")
    for address in addresses:
        page.goto(f"{lab.url}{address}{'&' if '?' in address else '?'}lang={language}")
        expect(page.locator("html")).to_have_attribute("lang", language)
        check(page, address)
    context.close()


def check(page: Page, address: str) -> None:
    assert page.title(), address
    assert page.get_by_role("main").count() == 1, address
    assert page.evaluate(NAMELESS) == [], address
    levels: list[int] = page.evaluate(HEADINGS)
    assert levels[:1] == [1], address
    assert levels.count(1) == 1, address
    assert all(after <= before + 1 for before, after in pairwise(levels)), address
    assert page.evaluate(FAINT) == [], address


@pytest.mark.parametrize("language", sorted(WORDS))
def test_a_second_person_reads_and_answers_a_held_request(browser: Browser, lab: Lab, language: str) -> None:
    say = WORDS[language]
    held = {"model": "mistral-medium", "messages": [{"role": "user", "content": "A draft for our newsletter"}]}
    record = lab.post("/v1/chat/completions", held, **EVE).headers["x-decision-record"]
    context = browser.new_context(http_credentials={"username": "paul", "password": lab.people_keys["paul"]})
    page = context.new_page()
    page.goto(f"{lab.url}/approve/{record}?lang={language}")
    check(page, "/approve")
    expect(page.locator("#asker")).to_have_text("eve@example.org")
    expect(page.locator("#not-kept")).to_have_text(say["not_kept"])
    page.get_by_label(say["verdict"], exact=True).select_option("yes")
    page.get_by_label(say["reason"], exact=True).fill("It is published tomorrow.")
    page.get_by_label(say["authority"], exact=True).fill("partner")
    page.get_by_role("button", name=say["decide"], exact=True).click()
    approval = page.locator("#approval").inner_text()
    check(page, "/approve, answered")
    context.close()
    assert lab.post("/v1/chat/completions", held, **EVE, **{"x-approval": approval}).status_code == 200
