"""The receipt as HTML and JUnit: safe, self-contained, readable by their consumers."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

from provision.models.plan import Plan
from provision.models.report import Receipt, SignedReceipt
from provision.ui.junit import render_junit
from provision.ui.receipt_html import BAR_WIDTH, render_receipt_html

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\x00\x1b]"


class Page(HTMLParser):
    """Collects tags and attributes, and checks that every tag is closed."""

    VOID = frozenset({"meta", "rect", "br", "img", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def hostile(receipt: Receipt) -> Receipt:
    checks = tuple(
        check.model_copy(update={"title": HOSTILE, "measured": HOSTILE, "expected": HOSTILE, "hint": HOSTILE})
        for check in receipt.checks
    )
    cards = tuple(card.model_copy(update={"name": HOSTILE, "uuid": HOSTILE}) for card in receipt.cards)
    return receipt.model_copy(
        update={
            "client": HOSTILE,
            "checks": checks,
            "cards": cards,
            "urls": {"chat": "javascript:alert(1)", HOSTILE: HOSTILE},
            "releases": {HOSTILE: HOSTILE},
        }
    )


def test_the_page_is_well_formed_and_says_everything(signed: SignedReceipt, plan: Plan) -> None:
    text = render_receipt_html(signed, plan)
    assert Page(text).open == []
    for words in (
        "acme",
        "failed",
        "nvidia-modprobe -u -c 0",
        "GPU-db729b20",
        "planned 12000 MiB",
        "measured 13500 MiB",
        "of it before the load: 1000 MiB",
        "2.41.1-5c7f21d13c71",
        "2 min 21 s",
        "https://10.42.0.10/",
        "stands for llama3.3-70b",
        signed.signature,
        signed.public_key,
    ):
        assert words in text, words


def test_the_page_asks_nobody(signed: SignedReceipt, plan: Plan) -> None:
    page = Page(render_receipt_html(signed, plan))
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    loaded = [value for name, value in page.attributes if name in {"src", "srcset", "action", "data", "style"}]
    assert loaded == []
    assert "url(" not in render_receipt_html(signed, plan)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_hostile_text_stays_text(signed: SignedReceipt, plan: Plan) -> None:
    text = render_receipt_html(signed.model_copy(update={"receipt": hostile(signed.receipt)}), plan)
    page = Page(text)
    assert page.open == []
    assert not {"script", "img"} & set(page.tags)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    links = [value for name, value in page.attributes if name == "href"]
    assert links == []
    assert "&lt;script&gt;" in text


def test_bars_are_to_scale(signed: SignedReceipt, plan: Plan) -> None:
    text = render_receipt_html(signed, plan)
    widths = [int(w) for w in re.findall(r'class="(?:outside|within|held)"[^>]*width="(\d+)"', text)]
    assert widths == [round(BAR_WIDTH * mib / 24564) for mib in (13500, 1000)]
    assert 'class="within"' in text  # 12500 MiB taken against 12000 planned, tolerance 1200


def test_the_planned_bar_shows_its_parts_side_by_side(signed: SignedReceipt, live_plan: Plan) -> None:
    text = render_receipt_html(signed, live_plan)
    drawn = re.findall(r'<rect class="(weights|kv|compute|overhead)" x="(\d+)" y="15" width="(\d+)"', text)
    budget = live_plan.engines[0].cards[0]
    assert [name for name, _, _ in drawn] == ["weights", "kv", "compute", "overhead"]
    for (_, start, width), (_, following, _) in pairwise(drawn):
        assert int(start) + int(width) == int(following)
    assert sum(int(width) for _, _, width in drawn) == round(BAR_WIDTH * budget.total_mib / 24564)
    assert f"kv {budget.kv_mib} MiB" in text


def test_simulated_is_said_once_per_line(signed: SignedReceipt, plan: Plan, live_plan: Plan) -> None:
    assert render_receipt_html(signed, plan).count('class="simulated"') >= 1 + 1 + 3 + 1
    checks = tuple(check.model_copy(update={"simulated": False}) for check in signed.receipt.checks)
    real = signed.receipt.model_copy(update={"simulated": False, "checks": checks, "cards": ()})
    text = render_receipt_html(signed.model_copy(update={"receipt": real}), live_plan)
    assert "simulated</span>" not in text


def test_junit_is_read_back(receipt: Receipt) -> None:
    root = ElementTree.fromstring(render_junit(receipt))  # noqa: S314 - our own text
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("skipped")) == ("testsuites", "3", "1", "1")
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"engine", "stack"}
    assert suites["engine"].get("timestamp") == "2026-11-22T03:40:00"
    failure = suites["engine"].find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "cuInit(0) = 999: /dev/nvidia-uvm is missing"
    assert "next step: on the host run" in (failure.text or "")
    assert suites["stack"].find("testcase/skipped") is not None
    cases = list(root.iter("testcase"))
    assert all("[simulated]" in (case.get("name") or "") for case in cases)
    assert all(case.get("classname") and case.get("time") for case in cases)


def test_junit_survives_hostile_text(receipt: Receipt) -> None:
    root = ElementTree.fromstring(render_junit(hostile(receipt)))  # noqa: S314 - our own text
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert "</title><script>" in (failure.text or "")
    assert "\x00" not in (failure.text or "")
