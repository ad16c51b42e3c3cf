"""A real log of the decision layer: verified first, then counted; one that does not verify makes no papers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from provision.errors import SetupError, UsageError
from provision.papers.errors import EvidenceError
from provision.pipeline.evidence import Given, make_papers
from provision.runner.workspace import Workspace
from tests.unit.papers.conftest import OPTIONS, POLICY, LogMaker

ROUTES = [("personal", "home", 3), ("public", "us-cloud", 2), ("secrecy", "", 1)]


def evidence(log: tuple[Path, Path, str], **more: object) -> Given:
    directory, second, key = log
    return Given.model_validate({"policy": POLICY, "audit": directory, "second_place": second, "audit_key": key} | more)


def texts(workspace: Workspace, given: Given) -> dict[str, str]:
    made = make_papers(OPTIONS, given)
    return {
        paper.name: "\n".join(" | ".join(row.cells) for section in paper.sections for row in section.rows)
        for paper in made.papers.papers
    }


def test_decisions_are_counted_by_class_and_zone(stack: Workspace, make_log: LogMaker) -> None:
    told = texts(stack, evidence(make_log(ROUTES)))
    assert "personal | allow, home | 3" in told["5-log-retention"]
    assert "secrecy | refuse | 1" in told["5-log-retention"]
    assert "Whole: 6 entries" in told["5-log-retention"]
    assert "6 of 6 decisions were made under this policy" in told["8-data-flows"]
    assert "None of them went where its class may not be" in told["8-data-flows"]
    assert "6 in the audit log" in told["3-data-protection-impact"]


def test_a_class_that_went_where_it_may_not_is_told(stack: Workspace, make_log: LogMaker) -> None:
    told = texts(stack, evidence(make_log([*ROUTES, ("art9", "eu-cloud", 2)])))
    assert "Breach | 2 of class art9 went to eu-cloud" in told["8-data-flows"]
    assert "None of them went" not in told["8-data-flows"]
    assert "art9 to eu-cloud (2)" in told["3-data-protection-impact"]


def test_a_log_that_was_changed_makes_no_papers(stack: Workspace, make_log: LogMaker) -> None:
    log = make_log(ROUTES)
    with sqlite3.connect(log[0] / "audit.sqlite") as link:
        # What somebody with the file would do; the table's own triggers stand in the way of the first try.
        for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            link.execute(f'DROP TRIGGER "{name}"')
        (body,) = link.execute("SELECT body FROM entries WHERE seq = 4").fetchone()
        link.execute("UPDATE entries SET body = ? WHERE seq = 4", (body.replace(b"us-cloud", b"eu-cloud"),))
    with pytest.raises(EvidenceError, match="does not verify") as caught:
        make_papers(OPTIONS, evidence(log))
    assert caught.value.where == str(log[0])
    assert int(caught.value.exit_code) == 1


def test_a_log_of_another_key_makes_no_papers(stack: Workspace, make_log: LogMaker) -> None:
    other = (
        "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"  # RFC 8032-like: the key of 32 zero bytes
    )
    with pytest.raises(EvidenceError, match="does not verify"):
        make_papers(OPTIONS, evidence(make_log(ROUTES), audit_key=other))


def test_a_folder_without_a_log_is_told(stack: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        make_papers(OPTIONS, Given(audit=tmp_path / "nowhere", audit_key="3b" * 32))


@pytest.mark.parametrize(
    "given",
    [
        Given(audit=Path("x")),
        Given(audit_key="3b" * 32),
        Given(second_place=Path("x")),
        Given(audit=Path("x"), audit_key="3b"),
    ],
)
def test_half_of_the_options_is_no_use(stack: Workspace, given: Given) -> None:
    with pytest.raises(UsageError, match=r"--audit|signature"):
        make_papers(OPTIONS, given)


def test_without_a_log_nothing_is_claimed(stack: Workspace) -> None:
    told = texts(stack, Given(policy=POLICY))
    assert "No audit log of a decision layer was given" in told["5-log-retention"]
    assert "whether the policy was kept is not shown here" in told["8-data-flows"]
