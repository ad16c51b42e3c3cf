"""`provision pilot run` against stand-in servers: what is sent where, what comes back, what is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provision.cli.main import run
from tests.stand_ins.openai_server import StandIn, serve
from tests.unit.pilot.conftest import answer
from tests.unit.pilot.files import PRICE, target, use_cases, write

Captured = pytest.CaptureFixture[str]


def pilot(tmp_path: Path, capsys: Captured, tests: dict[str, Any], targets: list[dict[str, Any]], code: int = 0) -> Any:
    files = write(tmp_path, tests, targets)
    argv = ["pilot", "run", "--tests", str(files[0]), "--targets", str(files[1]), "--output", str(tmp_path / "out")]
    assert run([*argv, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def summary(found: Any, case: str, name: str) -> Any:
    return next(item for item in found["result"]["cases"] if (item["case"], item["target"]) == (case, name))


def test_side_by_side_through_the_decision_layer(
    gateway: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured
) -> None:
    targets = [
        target("home", gateway.url, gateway=True, price=PRICE),
        target("cloud", gateway.url, gateway=True, zone="cloud", model="opus", price=PRICE),
        target("judge", judge.url, compared=False),
    ]
    found = pilot(tmp_path, capsys, use_cases(), targets)
    sent = {(one["model"], one["headers"]["x-data-class"]) for one in gateway.asked}
    assert sent == {("chat", "public"), ("opus", "public"), ("chat", "confidential"), ("opus", "confidential")}
    assert {one["headers"].get("x-task-type") for one in gateway.asked} == {None, "communication"}
    capital = summary(found, "capital", "cloud")
    assert (capital["standing"], capital["quality"], capital["answered"]) == ("passes", 1.0, 1)
    assert capital["cost"] == pytest.approx((100 * 2 + 20 * 8) / 1e6)
    assert (capital["input_tokens"], capital["output_tokens"]) == (100, 20)
    letter = summary(found, "letter", "cloud")
    assert (letter["standing"], letter["refused"], letter["cost"]) == ("refused", 1, None)
    assert summary(found, "letter", "home")["quality"] == 0.8
    refused = [one for one in found["result"]["answers"] if one["fate"] == "refused"]
    assert {one["refused_by"] for one in refused} == {"decision layer"}
    assert all(one["record"].startswith("rec-") for one in found["result"]["answers"])
    assert all(0 <= one["first_token_s"] <= one["total_s"] for one in found["result"]["answers"] if one["text"])
    assert found["result"]["verdict"]["outcome"] == "open", "people have not scored yet"
    assert judge.classes() == {"confidential"}


def test_a_confidential_case_is_never_sent_to_a_cloud(
    home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cloud that is asked directly gets what may leave and nothing else; the same holds for a judge in a cloud."""
    # Stand-ins speak http; the reader refuses that of a cloud, which another test shows.
    monkeypatch.setattr("provision.pilot.read.check_targets", lambda *_: None)
    with serve(StandIn(models=("chat",), reply=answer)) as cloud:
        targets = [
            target("home", home.url),
            target("cloud", cloud.url, zone="cloud"),
            target("judge", judge.url, zone="cloud", compared=False),
        ]
        found = pilot(tmp_path, capsys, use_cases(), targets)
        assert cloud.classes() == {"public"}
    assert judge.asked == []
    letter = summary(found, "letter", "cloud")
    assert letter["standing"] == "refused"
    reasons = [one["reason"] for one in found["result"]["answers"] if one["fate"] == "refused"]
    assert len(reasons) == 3
    assert all("does not leave" in reason and "nothing was sent" in reason for reason in reasons)
    unscored = next(one for one in found["result"]["scores"] if one["by"] == "judge judge")
    assert unscored["value"] is None
    assert "does not leave" in unscored["reason"]


def test_a_gateway_that_lets_it_out_is_an_alarm(
    gateway: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured
) -> None:
    gateway.lies = True
    targets = [
        target("home", gateway.url, gateway=True),
        target("cloud", gateway.url, gateway=True, zone="cloud", model="opus"),
        target("judge", judge.url, compared=False),
    ]
    found = pilot(tmp_path, capsys, use_cases(), targets, code=1)
    assert found["result"]["verdict"]["outcome"] == "leak"
    assert summary(found, "letter", "cloud")["standing"] == "failed"


def test_a_failing_request_is_a_result(home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured) -> None:
    with serve(StandIn(models=("chat",), reply=answer, status=500)) as broken:
        targets = [target("home", home.url), target("broken", broken.url), target("judge", judge.url, compared=False)]
        found = pilot(tmp_path, capsys, use_cases(), targets)
    assert summary(found, "capital", "broken")["standing"] == "failed"
    reasons = {one["reason"] for one in found["result"]["answers"] if one["target"] == "broken"}
    assert reasons == {"status 500: out of order"}


def test_without_a_count_or_a_price_there_is_no_cost(
    home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured
) -> None:
    home.usage = False
    targets = [
        target("priced", home.url, price=PRICE),
        target("unpriced", home.url),
        target("judge", judge.url, compared=False),
    ]
    found = pilot(tmp_path, capsys, use_cases(), targets)
    assert summary(found, "capital", "priced")["cost"] is None
    assert summary(found, "capital", "unpriced")["currency"] is None


def test_never_more_at_once_than_allowed(home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured) -> None:
    home.delay_s = 0.02
    targets = [
        target("one", home.url, at_once=2),
        target("two", home.url, at_once=8),
        target("judge", judge.url, compared=False),
    ]
    pilot(tmp_path, capsys, use_cases(repeats=4), targets)
    assert len(home.asked) == 4 * 4 * 2
    assert home.most == 2


def test_files_are_private_and_the_table_and_page_say_it(
    home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured
) -> None:
    targets = [target("a", home.url, price=PRICE), target("b", home.url), target("judge", judge.url, compared=False)]
    files = write(tmp_path, use_cases(), targets)
    assert run(["pilot", "run", "--tests", str(files[0]), "--targets", str(files[1]), "-o", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "Verdict: open" in shown
    assert "a test's own" in shown
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["report.html", "result.json", "sheet.csv"]
    assert all(path.stat().st_mode & 0o77 == 0 for path in (tmp_path / "out").iterdir())
    page = (tmp_path / "out/report.html").read_text()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "src=" not in page
    assert "An answer to: =SUM(A1)" in page


def test_a_folder_with_something_in_it_is_left_alone(
    home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("x")
    targets = [target("a", home.url), target("b", home.url), target("judge", judge.url, compared=False)]
    document = pilot(tmp_path, capsys, use_cases(), targets, code=2)
    assert "not an empty folder" in document["errors"][0]["what"]
    assert home.asked == []


def test_nothing_unreachable_is_asked_and_nothing_is_written(
    home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured
) -> None:
    judge.key = "right"
    targets = [
        target("home", home.url, model="other"),
        target("gone", "http://127.0.0.1:9/v1"),
        target("fake", home.url, gateway=True),
        target("judge", judge.url, compared=False),
    ]
    document = pilot(tmp_path, capsys, use_cases(), targets, code=2)
    whats = " | ".join(error["what"] for error in document["errors"])
    assert "has no model 'other'" in whats
    assert "'gone' does not answer" in whats
    assert "no decision layer answers" in whats
    assert "'judge' answers 401" in whats
    assert home.asked == []
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "home").exists()


def test_keys_come_from_a_variable_or_a_file(
    home: StandIn, judge: StandIn, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.key = "secret-key"
    (tmp_path / "key").write_text("secret-key\n")
    targets = [
        target("a", home.url, key_env="PILOT_KEY"),
        target("b", home.url, key_file=str(tmp_path / "key")),
        target("judge", judge.url, compared=False),
    ]
    document = pilot(tmp_path, capsys, use_cases(), targets, code=5)
    assert "PILOT_KEY is not set" in document["errors"][0]["what"]
    monkeypatch.setenv("PILOT_KEY", "secret-key")
    found = pilot(tmp_path, capsys, use_cases(), targets)
    assert "secret-key" not in json.dumps(found)
