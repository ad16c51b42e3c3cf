"""Papers as HTML: each a file of its own, no script, no request to anywhere, readable on paper, light and dark."""

from __future__ import annotations

from pathlib import Path

from provision.models.papers import KINDS, NOT_ADVICE, PaperSet
from provision.ui.flow_layout import WIDTH, describe, lay_out
from provision.ui.pages import TEMPLATES, open_page


def render_papers_html(papers: PaperSet, others: tuple[str, ...], *, templates: Path = TEMPLATES) -> dict[str, bytes]:
    """Files by name: index.html and one per paper. `others`: more files of the folder that the index shall name."""
    common = {"set": papers, "made": f"{papers.made:%Y-%m-%d %H:%M} UTC", "kinds": KINDS, "not_advice": NOT_ADVICE}
    page = open_page("paper.html.j2", templates)
    files = {
        f"{paper.name}.html": page.render(paper=paper, lay_out=lay_out, describe=describe, width=WIDTH, **common)
        for paper in papers.papers
    }
    files["index.html"] = open_page("papers.html.j2", templates).render(others=others, **common)
    return {name: text.encode() for name, text in files.items()}
