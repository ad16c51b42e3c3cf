"""The papers as HTML and PDF: whole, safe, self-contained, and the same words in both."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from itertools import combinations, pairwise

import pytest
from pypdf import PdfReader

from provision.models.papers import FlowPicture, PaperSet
from provision.papers.policy_file import read_policy
from provision.papers.routes import draw_flows
from provision.pipeline.evidence import OTHER_FILES, Made
from provision.ui.flow_layout import WIDTH, lay_out
from provision.ui.papers_html import render_papers_html
from provision.ui.papers_pdf import render_papers_pdf
from provision.ui.pdf_flow import Flow, Words
from provision.ui.pdf_type import REGULAR, break_lines, measure
from tests.unit.papers.conftest import POLICY

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that every tag is closed."""

    VOID = frozenset({"meta", "rect", "path", "br", "img", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

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

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="session")
def html(made: Made) -> dict[str, str]:
    return {name: text.decode() for name, text in render_papers_html(made.papers, OTHER_FILES).items()}


@pytest.fixture(scope="session")
def pdf(made: Made) -> dict[str, PdfReader]:
    return {name: PdfReader(io.BytesIO(content)) for name, content in render_papers_pdf(made.papers).items()}


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_a_page_asks_nobody_for_anything(html: dict[str, str]) -> None:
    for text in html.values():
        page = Page(text)
        assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
        loads = [value or "" for name, value in page.attributes if name in ("src", "href", "action", "data")]
        assert all(re.fullmatch(r"[0-9a-z.-]+\.(html|pdf|json)", value) for value in loads)
        assert "url(" not in text
        assert "default-src 'none'" in text


def test_links_lead_to_files_of_the_folder(html: dict[str, str], pdf: dict[str, PdfReader]) -> None:
    links = {value for text in html.values() for name, value in Page(text).attributes if name == "href"}
    assert links == {*html, *pdf, *OTHER_FILES}


def test_headings_go_down_by_one(html: dict[str, str]) -> None:
    for text in html.values():
        levels = [int(tag[1]) for tag in Page(text).tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_both_forms_say_every_statement_and_that_it_is_no_advice(
    made: Made, html: dict[str, str], pdf: dict[str, PdfReader]
) -> None:
    for paper in made.papers.papers:
        page = squeeze(" ".join(Page(html[f"{paper.name}.html"]).words))
        reader = pdf[f"{paper.name}.pdf"]
        printed = squeeze(" ".join(sheet.extract_text() for sheet in reader.pages))
        assert "Notlegaladvice." in page
        for number, sheet in enumerate(reader.pages, start=1):
            words = sheet.extract_text()
            assert "Not legal advice." in words
            assert f"page {number} of {len(reader.pages)}" in words
        for section in paper.sections:
            for row in section.rows:
                for cell in row.cells:
                    assert squeeze(cell) in page
        for heading in (paper.title, *(section.title for section in paper.sections)):
            assert squeeze(heading) in printed


def test_a_pdf_has_title_language_fonts_and_bookmarks(made: Made, pdf: dict[str, PdfReader]) -> None:
    for paper in made.papers.papers:
        reader = pdf[f"{paper.name}.pdf"]
        assert reader.metadata is not None
        assert reader.metadata.title == f"{paper.title}: sme-2x4090"
        assert str(reader.root_object["/Lang"]) == "en"
        assert len(reader.outline) == len(paper.sections)


def test_what_is_hostile_is_shown_as_text(made: Made) -> None:
    section = made.papers.papers[0].sections[0]
    row = section.rows[0].model_copy(update={"cells": (HOSTILE, HOSTILE)})
    paper = made.papers.papers[0].model_copy(
        update={"title": HOSTILE, "sections": (section.model_copy(update={"rows": (row,), "title": HOSTILE}),)}
    )
    papers: PaperSet = made.papers.model_copy(update={"client": HOSTILE, "papers": (paper,)})
    page = Page(render_papers_html(papers, ())["1-system-inventory.html"].decode())
    assert "script" not in page.tags
    assert "img" not in page.tags
    (content,) = render_papers_pdf(papers).values()
    assert "<script>" in PdfReader(io.BytesIO(content)).pages[0].extract_text()


def test_no_line_is_wider_than_its_column_and_no_letter_is_lost() -> None:
    text = "Řehoř Ěščž Søn ŁÓDŹ Ωδή Ждл " + "x" * 200 + " 日本 a→b"
    lines = break_lines(text, REGULAR, 9, 120)
    assert all(measure(line, REGULAR, 9) <= 120 for line in lines)
    whole = "".join(lines)
    assert "ŘehořĚščžSønŁÓDŹΩδήЖдл" in squeeze(whole)
    assert "[U+65E5][U+672C]" in whole
    assert "a->b" in whole


def test_nothing_is_drawn_below_the_foot_and_long_rows_are_cut() -> None:
    flow = Flow(left=50, right=550, top=800, bottom=60)
    flow.table_head([flow.lines("head", REGULAR, 8, "#000000", 200)] * 2, [200, 200], 8, "#000000")
    cell = flow.lines("word " * 3000, REGULAR, 8, "#000000", 200)
    flow.table_row([cell, flow.lines("b", REGULAR, 8, "#000000", 200)], "#000000", fill=None)
    assert len(flow.pages) > 2
    words = [mark for page in flow.pages for mark in page.marks if isinstance(mark, Words)]
    assert sum(mark.text.count("word") for mark in words) == 3000
    assert all(60 <= mark.y <= 800 for mark in words)
    assert all("head" in [getattr(mark, "text", "") for mark in page.marks] for page in flow.pages)


def test_boxes_of_the_picture_do_not_touch_and_ways_end_at_them() -> None:
    picture: FlowPicture = draw_flows(read_policy(POLICY).policy)
    drawing = lay_out(picture)
    for one, other in combinations(drawing.boxes, 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    assert len(drawing.ways) == sum(len(item.zones) for item in picture.classes) == 9
    middles = {(box.x, box.middle) for box in drawing.boxes} | {
        (box.x + box.width, box.middle) for box in drawing.boxes
    }
    assert all({(way.x1, way.y1), (way.x2, way.y2)} <= middles for way in drawing.ways)
    assert all(
        box.x >= 0 and box.x + box.width <= WIDTH and box.y + box.height <= drawing.height for box in drawing.boxes
    )
