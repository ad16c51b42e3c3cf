"""Papers as PDF, A4, by reportlab: pure Python, so that it works on a bare machine without a browser.

Only its canvas is used: its own flow layout takes ten times as long for tables of this kind.
"""

from __future__ import annotations

import io

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from provision.models.papers import KINDS, NOT_ADVICE, Kind, Paper, PaperSet, Row, Section
from provision.ui.flow_layout import WIDTH, Drawing, lay_out
from provision.ui.pdf_flow import Flow, Line, Rule, Words
from provision.ui.pdf_type import BOLD, REGULAR, measure

_INK, _SOFT, _RULE, _PANEL = "#1b1f24", "#57606a", "#c4ccd4", "#f4f6f8"
_COLOURS: dict[Kind, str] = {
    "measured": "#1a6b33",
    "planned": "#1f5fbf",
    "recorded": "#57606a",
    "stated": "#6a3fb5",
    "law": "#7a4b00",
    "decide": "#b3202c",
}
_LEFT, _RIGHT = 48.0, A4[0] - 48.0
_TOP, _BOTTOM = A4[1] - 42.0, 50.0
_BODY, _SMALL = 8.5, 7.2
_BASIS, _SOURCE, _GAP = 62.0, 138.0, 8.0


def render_papers_pdf(papers: PaperSet) -> dict[str, bytes]:
    """Files by name, one per paper."""
    return {f"{paper.name}.pdf": _render(paper, papers) for paper in papers.papers}


def _render(paper: Paper, papers: PaperSet) -> bytes:
    flow = Flow(left=_LEFT, right=_RIGHT, top=_TOP, bottom=_BOTTOM)
    _head(flow, paper, papers)
    for section in paper.sections:
        _section(flow, section)
    return _draw(flow, paper, papers)


def _head(flow: Flow, paper: Paper, papers: PaperSet) -> None:
    flow.text(paper.title, BOLD, 15, _INK)
    lab = ", lab" if papers.target == "lab" else ""
    flow.text(
        f"{papers.client}, profile {papers.profile}{lab}. Made {papers.made:%Y-%m-%d %H:%M} UTC from receipt"
        f" {papers.receipt_id} (verdict: {papers.verdict}) by provision {papers.provision_version}.",
        REGULAR,
        _BODY,
        _SOFT,
    )
    flow.space(6)
    flow.text(paper.purpose, REGULAR, 9.5, _INK)
    flow.space(4)
    flow.panel(f"Not legal advice. {NOT_ADVICE}", _BODY, _INK, _PANEL, _COLOURS["law"])
    if papers.simulated:
        text = (
            "Lab. The graphics cards of this stack are simulated and large models are replaced by a small real one;"
            " what rests on them is marked."
        )
        flow.panel(text, _BODY, _INK, _PANEL, _COLOURS["law"])
    if paper.open_points:
        text = f"{len(paper.open_points)} points are open; each is marked as one that a person must decide."
        flow.panel(text, _BODY, _INK, _PANEL, _COLOURS["decide"])


def _section(flow: Flow, section: Section) -> None:
    drawing = lay_out(section.picture) if section.picture else None
    scale = (_RIGHT - _LEFT) / WIDTH
    flow.heading(section.title, BOLD, 11.5, _INK, keep=80 + (drawing.height * scale if drawing else 0))
    if section.about:
        flow.text(section.about, REGULAR, _BODY, _SOFT)
        flow.space(3)
    if drawing:
        _picture(flow, drawing, scale)
    if section.columns:
        _table(flow, section)
    else:
        for row in section.rows:
            _prose(flow, row)


def _prose(flow: Flow, row: Row) -> None:
    lines = flow.lines(row.cells[0], REGULAR, 10, _INK, flow.width)
    if row.kind == "decide":
        lines = flow.lines(f"{KINDS['decide']}: {row.cells[0]}", BOLD, 10, _COLOURS["decide"], flow.width)
    text = f"{KINDS[row.kind]}. " + "; ".join(f"{source.what} ({source.at})" for source in row.sources)
    flow.block([*lines, *flow.lines(text, REGULAR, _SMALL, _SOFT, flow.width)])
    flow.space(6)


def _table(flow: Flow, section: Section) -> None:
    """Columns: the basis, the section's own, the source."""
    own = flow.width - _BASIS - _SOURCE - _GAP * (len(section.columns) + 1)
    widths = [_BASIS, *_share(section, own), _SOURCE]
    heads = ["Basis", *section.columns, "Source and date"]
    lines = [flow.lines(head, REGULAR, _SMALL, _SOFT, width) for head, width in zip(heads, widths, strict=True)]
    flow.table_head(lines, widths, _GAP, _RULE)
    for row in section.rows:
        flow.table_row(_cells(flow, row, widths), _RULE, fill=_PANEL if row.kind == "decide" else None)
    flow.table_end()


def _share(section: Section, width: float) -> list[float]:
    """Widths: each column holds its longest word, as far as that goes; the rest goes to those with long texts."""
    columns = list(zip(section.columns, *(row.cells for row in section.rows), strict=True))
    least = [min(max(_widest(cell) for cell in column), width * 0.25) for column in columns]
    weights = [min(max(*map(len, column), 12), 1000) ** 0.7 for column in columns]
    spare = width - sum(least)
    scale = min(width / sum(least), 1.0)
    return [low * scale + max(spare, 0.0) * weight / sum(weights) for low, weight in zip(least, weights, strict=True)]


def _widest(cell: str) -> float:
    return max((measure(word, BOLD, _BODY) for word in cell.split()), default=20.0)


def _cells(flow: Flow, row: Row, widths: list[float]) -> list[list[Line]]:
    first, *rest = row.cells
    sources: list[Line] = []
    for source in row.sources:
        sources += flow.lines(f"{source.what} ({source.at})", REGULAR, _SMALL, _SOFT, widths[-1])
    return [
        flow.lines(KINDS[row.kind], BOLD, _SMALL, _COLOURS[row.kind], widths[0]),
        flow.lines(first, BOLD, _BODY, _INK, widths[1]),
        *(flow.lines(cell, REGULAR, _BODY, _INK, width) for cell, width in zip(rest, widths[2:-1], strict=True)),
        sources,
    ]


def _picture(flow: Flow, drawing: Drawing, scale: float) -> None:
    """SVG's y grows downwards, PDF's upwards."""
    top = flow.take(drawing.height * scale + 10)
    tones = {"class": _RULE, "home": _COLOURS["measured"], "outside": _COLOURS["law"]}
    for way in drawing.ways:
        (a, b), dash = way.bend, way.tone == "outside"
        points = [(way.x1, way.y1), (a, way.y1), (b, way.y2), (way.x2, way.y2)]
        flow.curve([(_LEFT + x * scale, top - y * scale) for x, y in points], tones[way.tone], dashed=dash)
    for box in drawing.boxes:
        x, y, w, h = _LEFT + box.x * scale, top - (box.y + box.height) * scale, box.width * scale, box.height * scale
        flow.box(x, y, w, h, _PANEL, tones[box.tone], dashed=box.tone == "outside")
        for number, text in enumerate(box.lines):
            font = REGULAR if number else BOLD
            flow.words(x + 8 * scale, top - (box.y + 20 + 14 * number) * scale, text, font, 10.5 * scale, _INK)


def _draw(flow: Flow, paper: Paper, papers: PaperSet) -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1, lang="en", pageCompression=1)
    canvas.setTitle(f"{paper.title}: {papers.client}")
    canvas.setSubject(paper.purpose)
    canvas.setAuthor("provision evidence")
    for number, page in enumerate(flow.pages, start=1):
        for mark in page.marks:
            _mark(canvas, mark)
        for title, height in page.headings:
            key = f"{number}-{height:.0f}"
            canvas.bookmarkHorizontal(key, 0, height)
            canvas.addOutlineEntry(title, key)
        left = f"{papers.client}: {paper.title}. Not legal advice."
        _mark(canvas, Words(_LEFT, 36, left, REGULAR, _SMALL, _SOFT))
        canvas.setFillColor(HexColor(_SOFT))
        canvas.drawRightString(_RIGHT, 36, f"page {number} of {len(flow.pages)}")
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def _mark(canvas: Canvas, mark: Words | Rule) -> None:
    if isinstance(mark, Words):
        canvas.setFillColor(HexColor(mark.colour))
        canvas.setFont(mark.font, mark.size)
        canvas.drawString(mark.x, mark.y, mark.text)
        return
    if mark.fill:
        canvas.setFillColor(HexColor(mark.fill))
    if mark.stroke:
        canvas.setStrokeColor(HexColor(mark.stroke))
        canvas.setLineWidth(mark.weight)
    canvas.setDash([4, 2] if mark.dashed else [])
    path = canvas.beginPath()
    if len(mark.points) == 4 and not mark.fill:
        path.moveTo(*mark.points[0])
        path.curveTo(*mark.points[1], *mark.points[2], *mark.points[3])
    else:
        path.moveTo(*mark.points[0])
        for point in mark.points[1:]:
            path.lineTo(*point)
        if mark.fill:
            path.close()
    canvas.drawPath(path, stroke=1 if mark.stroke else 0, fill=1 if mark.fill else 0)
