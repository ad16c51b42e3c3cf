"""The verb of the EU AI Act and GDPR papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.choices import Client, Json, Lab, Profile, Settings, read_options
from provision.errors import ExitCode


def register(app: typer.Typer) -> None:
    app.command()(evidence)


def evidence(
    profile: Profile = None,
    client: Client = None,
    settings: Settings = None,
    lab: Lab = False,
    out: Annotated[Path | None, typer.Option("--out", help="folder for the papers (default: the client's own)")] = None,
    answers: Annotated[Path | None, typer.Option("--answers", help="what people decided (see --questions)")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="policy file of the decision layer")] = None,
    audit: Annotated[Path | None, typer.Option("--audit", help="folder with the decision layer's audit log")] = None,
    second_place: Annotated[
        Path | None, typer.Option("--second-place", help="folder with the other copy of the log's checkpoints")
    ] = None,
    audit_key: Annotated[
        str | None, typer.Option("--audit-key", help="public key that signs the log's checkpoints", metavar="HEX")
    ] = None,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="policy and audit log from the standing stack's own gateway")
    ] = False,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="of this receipt (default: the newest)")] = None,
    questions: Annotated[bool, typer.Option("--questions", help="print the file of answers to fill in")] = False,
    as_json: Json = False,
) -> int:
    """EU AI Act and GDPR papers of a stack (HTML, PDF, CycloneDX), from its receipt, locks, policy and audit log."""
    from provision.pipeline.evidence import (
        OTHER_FILES,
        Given,
        make_papers,
        question_file,
        write_papers,
    )

    if questions:
        print(question_file(), end="")
        return ExitCode.OK
    given = Given(
        answers=answers, policy=policy, audit=audit, second_place=second_place, audit_key=audit_key, receipt=receipt
    )
    options = read_options(profile, client, settings, lab)
    if gateway:
        from provision.pipeline.evidence_gateway import make_papers_of_gateway

        made = make_papers_of_gateway(options, given)
    else:
        made = make_papers(options, given)

    from provision.ui.jsonout import to_json
    from provision.ui.papers_html import render_papers_html
    from provision.ui.papers_pdf import render_papers_pdf

    pages = render_papers_html(made.papers, OTHER_FILES)
    folder = write_papers(made, {**pages, **render_papers_pdf(made.papers)}, out)
    papers = made.papers
    if as_json:
        open_points = {paper.name: len(paper.open_points) for paper in papers.papers}
        print(
            to_json(
                {
                    "folder": str(folder),
                    "index": str(folder / "index.html"),
                    "receipt": papers.receipt_id,
                    "verdict": papers.verdict,
                    "classification": papers.classification,
                    "open_points": open_points,
                }
            )
        )
        return ExitCode.OK
    for paper in papers.papers:
        count = len(paper.open_points)
        print(f"{paper.name}: {paper.title}" + (f" ({count} open points)" if count else ""))
    print(f"EU AI Act class: {papers.classification}")
    print(f"Written: {folder / 'index.html'}\nNot legal advice.")
    return ExitCode.OK
