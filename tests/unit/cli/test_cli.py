"""The command line's contract: exit codes, three-line errors, JSON, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.cli.main import run

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("verb", ["profiles", "gpus", "models"])
def test_lists_print_a_table_and_json(verb: str, capsys: Captured) -> None:
    assert run([verb]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 4
    assert run([verb, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 4


@pytest.mark.parametrize("profile", ["sme-2x4090", "hetzner-rtx6000", "scaleway-h100", "cpu-small"])
@pytest.mark.parametrize("lab", [[], ["--lab"]])
def test_every_profile_can_be_planned(profile: str, lab: list[str], capsys: Captured, tmp_path: Path) -> None:
    assert run(["plan", "--profile", profile, *lab, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["profile"] == profile
    assert plan["target"] == ("lab" if lab else "live")
    assert all(card["simulated"] for card in plan["cards"]) is bool(lab) or not plan["cards"]
    assert not files_below(tmp_path), "plan must write nothing"


def test_a_simulated_plan_says_so(capsys: Captured) -> None:
    assert run(["plan", "--profile", "sme-2x4090", "--lab"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("simulated") >= 4
    assert run(["plan", "--profile", "sme-2x4090"]) == 0
    assert "simulated" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nonsense"], 2, "nonsense"),
        (["plan"], 2, "no profile is named"),
        (["plan", "--profile", "cpu-small", "--set", "x"], 2, "--set"),
        (["plan", "--profile", "cpu-smal"], 3, "cpu-small"),
        (["plan", "--profile", "sme-2x4090", "--set", "hardware.memory=1GB"], 4, "memory"),
        (["plan", "--client", "nobody"], 2, "provision init nobody"),
        (["fit", "--model", "x", "--quant", "q4_k_m", "--gpu", "rtx-4090"], 2, "provision models"),
        (["down", "--profile", "cpu-small"], 2, "--lab"),
        (["lab", "down"], 2, "--all"),
        (["lab", "fault", "rust", "--name", "x"], 2, "vram-held"),
        (["ssh", "engine", "--profile", "cpu-small", "--lab"], 5, "provision up"),
        (["verify", "--profile", "cpu-small", "--lab"], 5, "provision up"),
        (["init", "Bad_Name", "--profile", "cpu-small"], 2, "lower-case"),
    ],
)
def test_errors_say_what_where_and_hint(arguments: list[str], code: int, words: str, capsys: Captured) -> None:
    assert run(arguments) == code
    shown = capsys.readouterr().err
    lines = shown.splitlines()
    assert lines[0].startswith("Error: ")
    assert lines[1].startswith("Where: ")
    assert lines[2].startswith(" Hint: ")
    assert words in shown
    assert "Traceback" not in shown


def test_errors_as_json(capsys: Captured) -> None:
    assert run(["plan", "--profile", "nope", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 3
    assert set(document["errors"][0]) == {"what", "where", "hint"}


def test_fit_answers_with_exit_0_and_4(capsys: Captured) -> None:
    asked = ["fit", "--model", "llama3.3-70b", "--quant", "q4_k_m", "--gpu", "rtx-4090", "--kv", "q8_0", "--json"]
    assert run([*asked, "--count", "2"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == "fits"
    assert len(answer["per_gpu"]) == 2
    assert run([*asked, "--count", "1"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == "no"
    assert answer["reasons"]


def test_init_gives_each_client_a_network_of_its_own(capsys: Captured, tmp_path: Path) -> None:
    networks = set()
    for client in ("acme", "bolt"):
        assert run(["init", client, "--profile", "sme-2x4090"]) == 0
        capsys.readouterr()
        assert run(["plan", "--client", client, "--json"]) == 0
        plan = json.loads(capsys.readouterr().out)
        assert plan["client"] == client
        networks.add(plan["network"])
    assert len(networks) == 2
    before = (tmp_path / "home/clients/acme/client.yml").read_bytes()
    assert run(["init", "acme", "--profile", "cpu-small"]) == 2
    assert (tmp_path / "home/clients/acme/client.yml").read_bytes() == before


def test_render_writes_an_inventory_without_secrets(capsys: Captured, tmp_path: Path) -> None:
    assert run(["render", "--profile", "sme-2x4090", "--output", str(tmp_path / "out")]) == 0
    assert "hosts.yml" in capsys.readouterr().out
    text = "".join(path.read_text() for path in files_below(tmp_path / "out"))
    assert "provision_secrets." in text
    assert run(["plan", "--profile", "sme-2x4090"]) == 0


def test_up_without_a_terminal_asks_for_yes_and_changes_nothing(tmp_path: Path) -> None:
    """Without root the lab's missing parts are named; with root the missing confirmation is. Nothing is made."""
    environment = {**os.environ, "PROVISION_HOME": str(tmp_path / "h"), "PROVISION_CACHE": str(tmp_path / "c")}
    done = subprocess.run(
        [sys.executable, "-m", "provision.cli.main", "up", "--profile", "cpu-small", "--lab"],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode in {2, 5}
    assert done.stderr.splitlines()[-1].startswith(" Hint: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "c").exists()
    assert not (tmp_path / "h" / "labs").exists()


def test_a_fault_of_our_own_is_three_lines_too(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("seven by nothing")

    monkeypatch.setattr("provision.pipeline.catalogue.list_gpus", break_down)
    assert run(["gpus"]) == 5
    shown = capsys.readouterr().err
    assert "ZeroDivisionError: seven by nothing" in shown
    assert "Traceback" not in shown
    kept = Path(shown.splitlines()[1].removeprefix("Where: "))
    assert "ZeroDivisionError" in kept.read_text()
    kept.unlink()


def test_a_file_that_vouches_for_nobody_is_told_by_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    authority = tmp_path / "inspection.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    profile = tmp_path / "firm.yml"
    profile.write_text(f"""extends: cpu-small
name: firm
routing:
  zones: [{{name: eu-cloud, title: A provider in the EU}}]
  models:
    - {{name: small, title: Small, provider: firm, zone: eu-cloud, url: "https://llm.example.org/v1", model: small,
        addresses: [192.0.2.7], key: firm, authority: {authority}}}
""")
    assert run(["plan", "--profile", str(profile)]) == 5
    shown = capsys.readouterr()
    assert "the authority's file holds no certificate in PEM" in shown.err
    assert "routing.models.0.authority" in shown.err
    assert "BEGIN CERTIFICATE" in shown.err
    assert shown.out == ""
