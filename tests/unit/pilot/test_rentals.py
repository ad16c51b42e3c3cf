"""The plan of a rented host: sourced prices only, arithmetic, what is not known, and bad input."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from provision.catalog import load_catalog
from provision.cli.main import run
from provision.models.rental import RentalPrice
from provision.pilot.rentals import OLD_DAYS, _warn, load_rentals
from provision.profile import list_profiles

Captured = pytest.CaptureFixture[str]


def plan(capsys: Captured, *arguments: str, code: int = 0) -> Any:
    assert run(["pilot", "plan", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_every_price_and_fact_has_a_source_and_a_date() -> None:
    gpus, profiles = load_catalog().gpus, {summary.name for summary in list_profiles()}
    for rental in load_rentals().values():
        assert all(price.gpu in gpus and price.source and price.date for price in rental.prices)
        assert all(fact.source and fact.date for fact in rental.facts)
        assert all(item.how for item in rental.look_up)
        assert rental.profile is None or rental.profile in profiles


def test_the_cost_is_hours_times_price(capsys: Captured) -> None:
    found = plan(capsys, "--provider", "scaleway", "--hours", "100")
    assert (found["price"]["per_hour"], found["cost"]) == (2.87, pytest.approx(287.0))
    commands = [step["command"] for step in found["steps"] if step["command"]]
    assert [command.split()[1] for command in commands if command.startswith("provision")] == [
        "init", "plan", "doctor", "up", "pilot", "pilot",
    ]  # fmt: skip


def test_without_a_sourced_price_there_is_no_cost_but_a_way_to_it(capsys: Captured) -> None:
    found = plan(capsys, "--provider", "ssh", "--profile", "hetzner-rtx6000")
    assert found["price"] is None
    assert found["cost"] is None
    assert any("--per-hour" in item["how"] for item in found["unresolved"])
    offered = plan(
        capsys,
        "--provider",
        "ssh",
        "--profile",
        "hetzner-rtx6000",
        "--per-hour",
        "1.5",
        "--currency",
        "EUR",
        "--hours",
        "2",
    )
    assert offered["cost"] == 3.0
    assert offered["price"]["source"] == "--per-hour"


def test_a_container_is_no_host_for_up(capsys: Captured) -> None:
    found = plan(capsys, "--provider", "runpod", "--profile", "sme-2x4090")
    assert not any("provision up" in step["command"] for step in found["steps"])
    assert any("cannot bring it up" in fact["text"] for fact in found["facts"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--provider", "moon"], "no provider"),
        (["--provider", "ssh"], "no built-in profile"),
        (["--provider", "lambda", "--profile", "sme-2x4090"], "for a Proxmox node"),
        (["--provider", "scaleway", "--hours", "-1"], "not negative"),
        (["--provider", "scaleway", "--per-hour", "-1", "--currency", "EUR"], "not negative"),
        (["--provider", "scaleway", "--per-hour", "1"], "an amount and a currency"),
        (["--provider", "scaleway", "--per-hour", "1", "--currency", "GBP"], "no currency"),
    ],
)
def test_bad_input(arguments: list[str], words: str, capsys: Captured) -> None:
    document = plan(capsys, *arguments, code=2)
    assert words in document["errors"][0]["what"]


def test_an_old_price_is_warned_of() -> None:
    price = next(iter(load_rentals()["scaleway"].prices))
    assert isinstance(price, RentalPrice)
    assert not _warn(price, price.date)
    assert _warn(price, date.fromordinal(price.date.toordinal() + OLD_DAYS + 1))
