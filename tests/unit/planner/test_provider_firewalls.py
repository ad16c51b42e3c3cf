"""What the plan says about the firewall before a rented host."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from provision.models.events import Event, Note
from provision.models.plan import Finding
from provision.pipeline import plain_host
from provision.pipeline.options import Options
from provision.pipeline.planning import make_plan
from provision.pipeline.stages import StageClock


def notes(profile: str, *settings: str, lab: bool = False) -> list[Finding]:
    plan = make_plan(Options(profile=profile, settings=settings, lab=lab)).plan
    return [finding for finding in plan.findings if finding.where == "platform.provider"]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("provider", "words"),
    [("hetzner", "Robot > Servers"), ("scaleway", "Security groups > Rules"), ("other", "nftables")],
)
def test_each_provider_in_its_own_words(provider: str, words: str) -> None:
    (note,) = notes("hetzner-rtx6000", f"platform.provider={provider}")
    assert words in note.hint


def test_every_port_of_the_plan_and_no_other() -> None:
    (note,) = notes("hetzner-rtx6000", "access.chat_port=444", "network.admin_networks=[192.0.2.0/24]")
    assert "TCP 22 from the machine that runs provision, 192.0.2.0/24; TCP 444 from everyone; TCP 8443" in note.what
    assert note.what.endswith("and nothing else")
    assert "5432" not in note.what


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("hetzner-rtx6000", "Hetzner's Robot firewall must let in"),
        ("scaleway-h100", "security group at Scaleway must let"),
    ],
)
def test_up_tells_it_before_it_changes_anything(profile: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_host, "examine_node_of", lambda *_: SimpleNamespace(cards=()))
    monkeypatch.setattr(plain_host, "ReadyNode", SimpleNamespace)
    planned = make_plan(Options(profile=profile))
    told: list[Event] = []
    plain_host.prepare_host(planned.plan, planned.loaded.profile, StageClock(told.append))
    (note,) = [event for event in told if isinstance(event, Note)]
    assert words in note.text


def test_a_proxmox_node_and_a_lab_have_none() -> None:
    assert notes("sme-2x4090") == []
    assert notes("hetzner-rtx6000", lab=True) == []
