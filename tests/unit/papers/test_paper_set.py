"""What the papers say, and what they leave to people."""

from __future__ import annotations

from pathlib import Path

from provision.models.papers import Paper
from provision.papers.answers import load_questions
from provision.pipeline.evidence import Given, Made, make_papers
from provision.runner.workspace import Workspace
from tests.unit.papers.conftest import OPTIONS, POLICY

NO_PLACE = {"x", "?", "tbd", "todo"}


def paper(made: Made, name: str) -> Paper:
    return next(item for item in made.papers.papers if item.name == name)


def cells(item: Paper) -> list[str]:
    return [" | ".join(row.cells) for section in item.sections for row in section.rows]


def test_every_question_stands_in_a_paper_and_is_open(made: Made) -> None:
    asked = {cell for item in made.papers.papers for row in item.open_points for cell in row.cells}
    for question in load_questions().values():
        assert question.question in asked, question.id


def test_rows_fit_their_columns_and_name_source_and_date(made: Made) -> None:
    for item in made.papers.papers:
        for section in item.sections:
            for row in section.rows:
                assert len(row.cells) == max(len(section.columns), 1), (item.name, section.title, row)
                assert all(source.what.strip() and any(c.isdigit() for c in source.at) for source in row.sources)
                assert all(cell.strip().lower() not in NO_PLACE for cell in row.cells)


def test_the_impact_assessment_tells_who_signed_and_when(made: Made) -> None:
    section = next(s for s in paper(made, "3-data-protection-impact").sections if "what was checked" in s.title)
    assert "2026-11-30 04:00 UTC" in section.about
    assert len(section.about.rsplit(" ", 1)[1]) == 65, "64 hex digits and the stop"
    assert all(row.kind == "measured" for row in section.rows)
    assert any("simulated" in row.cells[2] for row in section.rows)


def test_the_lab_model_is_not_passed_off_as_the_wanted_one(made: Made) -> None:
    told = "\n".join(cells(paper(made, "1-system-inventory")))
    assert "Gemma-3-270M q4_k_m (simulated: stands for llama3.3-70b)" in told


def test_restrictions_of_licences_are_told(made: Made) -> None:
    told = "\n".join(cells(paper(made, "7-licences")))
    for part in (
        "700 million",
        "prohibited-use policy",
        "internal business purposes",
        "'Open WebUI', its logo",
        "n8n Enterprise",
    ):
        assert part in told, part
    assert "n8n | SEE LICENSE IN LICENSE.md" in told
    assert any(row.kind == "decide" and row.cells[0] == "open_webui" for row in paper(made, "7-licences").open_points)


def test_retention_is_what_the_roles_set(made: Made) -> None:
    told = "\n".join(cells(paper(made, "5-log-retention")))
    assert "Workflow runs of n8n | Removed after 336 hours." in told
    assert "System journal | Kept for at most 1 month." in told
    assert "Traces" not in told, "no Langfuse is planned here"


def test_an_answer_stands_with_name_and_day(stack: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "answers.yml"
    path.write_text(
        "format: 1\nanswers:\n"
        '  firm: {answer: "Řehoř & Søn ApS", by: "M. Hansen", day: 2026-11-28}\n'
        '  automated: {answer: yes, by: "M. Hansen", day: 2026-11-27, reason: "scores of applicants"}\n'
    )
    made = make_papers(OPTIONS, Given(policy=POLICY, answers=path))
    row = next(r for s in paper(made, "2-record-of-processing").sections for r in s.rows if r.cells[0] == "Controller")
    assert row.kind == "stated"
    assert row.cells[1] == "Řehoř & Søn ApS"
    assert row.sources[0].at == "2026-11-28"
    assert "answered by M. Hansen" in row.sources[0].what
    notice = "\n".join(cells(paper(made, "4-transparency-notice")))
    assert "Responsible for it: Řehoř & Søn ApS" in notice
    assert "you may have a person look at it" in notice


def test_without_a_policy_nothing_is_said_of_flows(stack: Workspace) -> None:
    made = make_papers(OPTIONS, Given())
    flows = paper(made, "8-data-flows")
    assert all(section.picture is None for section in flows.sections)
    assert "nobody has written down here which data may go where" in "\n".join(cells(flows))
