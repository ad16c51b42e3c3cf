"""A cost case from files, settings, a plan and a receipt; and every fault of one at once."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from provision.errors import ErrorGroup, ProvisionError, UsageError
from provision.models.report import CardMeasurement
from provision.models.tco import CostReport
from provision.pipeline.options import Options
from provision.pipeline.planning import make_plan
from provision.pipeline.tco import CostQuestion, answer_cost
from provision.verify.receipt import (
    ReceiptError,
    build_receipt,
    load_or_create_signing_key,
    public_key_of,
    sign_receipt,
)

DAY = datetime.date(2026, 11, 30)
Write = Callable[[str], str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> str:
        path = tmp_path / "case.yml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return to_file


def ask(case: str = "sme", *settings: str, day: datetime.date = DAY, **more: str) -> CostReport:
    return answer_cost(CostQuestion(case=case, settings=settings, **more), day)


def refuse(case: str, *settings: str, **more: str) -> list[ProvisionError]:
    try:
        answer_cost(CostQuestion(case=case, settings=settings, **more), DAY)
    except ErrorGroup as group:
        return list(group.errors)
    except ProvisionError as error:
        return [error]
    pytest.fail("nothing was refused")


def test_a_setting_finds_an_option_by_its_name() -> None:
    assert ask("sme", "self-hosted.purchase.price=60000 DKK").options[0].total == 156_000
    assert ask("sme", "years=5").options[0].total == 80_000 + 5 * 32_000


def test_a_file_extends_a_built_in_case(write: Write) -> None:
    report = ask(write("extends: sme\nname: ours\noptions: {claude-team: {seats: {count: 23}}}\n"))
    assert (report.case, report.cheapest) == ("ours", "self-hosted")


def test_hours_take_the_place_of_a_lump_sum_and_its_range_goes(write: Write) -> None:
    hours = "operations: {hours_per_month: 6, per_hour: 400 DKK}"
    report = ask(write(f"extends: sme\nname: ours\noptions: {{self-hosted: {{{hours}}}}}\n"))
    assert report.options[0].total == 80_000 + 36_000 + 6 * 400 * 36
    assert "self-hosted.operations.per_year" not in [effect.input for effect in report.effects]
    back = ask(
        str(write(f"extends: sme\nname: x\noptions: {{self-hosted: {{{hours}}}}}\n")),
        "self-hosted.operations.per_year=1 DKK",
    )
    assert back.options[0].total == 80_000 + 36_000 + 3


def test_the_same_case_in_another_currency() -> None:
    kroner, euros = ask("sme"), ask("sme", "currency=EUR")
    assert abs(euros.options[0].total * Decimal("7.46038") - kroner.options[0].total) < Decimal("0.01")
    assert [use.name for use in euros.prices][-1] == "exchange rates"
    assert "exchange rates" not in [use.name for use in kroner.prices]


def test_own_rates_are_said_to_be_own() -> None:
    report = ask("sme", "currency=EUR", "rates.DKK=7.5")
    assert report.rates.source == "DKK given with the case"
    assert report.options[0].total == settle_euro(176_000, "7.5")


def settle_euro(kroner: int, rate: str) -> Decimal:
    return (kroner / Decimal(rate)).quantize(Decimal("0.0001"))


def test_a_price_is_old_after_its_time_and_not_before() -> None:
    fresh = ask("sme", day=datetime.date(2026, 6, 1))
    assert not any(use.old for use in fresh.prices)
    assert all(use.old for use in ask("sme").prices)
    assert all(use.source and use.date and use.kind == "article" for use in fresh.prices)


def test_the_plan_gives_watts_and_speed() -> None:
    report = ask("sme", "load.tokens_per_month=5M", profile="sme-2x4090")
    own = report.options[0]
    assert own.capacity_tokens is not None
    assert own.utilisation is not None
    hours = own.utilisation * 730
    watts = {"load": 2 * 450 + 250, "idle": 100}
    kroner = Decimal("0.276") * Decimal("7.46038")
    per_month = (watts["load"] * hours + watts["idle"] * (730 - hours)) / 1000 * kroner
    electricity = next(part.total for part in own.parts if part.part == "electricity")
    assert abs(electricity - per_month * 36) < 5
    assert any("cards 900 W" in note for note in report.notes)
    assert any("upper bound" in note for note in report.notes)


def test_a_limit_of_the_cards_lowers_the_watts(write: Write, tmp_path: Path) -> None:
    profile = tmp_path / "rig.yml"
    profile.write_text(
        "extends: sme-2x4090\nname: rig\nhardware: {gpus: [{model: rtx-4090, count: 2, power_limit: 300W}]}\n"
    )
    report = ask("sme", "load.tokens_per_month=5M", profile=str(profile))
    assert any("cards 600 W" in note for note in report.notes)


def test_a_plan_without_a_load_says_what_is_missing() -> None:
    (error,) = refuse("sme", profile="sme-2x4090")
    assert "how long 'self-hosted' works" in error.what
    assert "tokens_per_month" in error.hint


def test_every_fault_comes_at_once_with_its_place(write: Write) -> None:
    case = write(
        "version: 1\nname: bad\ncurrency: GBP\nyears: 0\noptions:\n"
        "  - name: a\n    purchase: {price: -5 DKK}\n"
        "  - name: b\n    seats: {count: 3, price: 20 GBP}\n"
        "  - name: c\n    rent: {price: list:h100-mnth, per: month}\n"
        "  - name: d\n    operations: {per_year: lots}\n    colour: red\n"
    )
    said = {error.where.rpartition("line ")[2]: (error.what, error.hint) for error in refuse(case)}
    assert "'GBP'" in said["3"][0]
    assert said["4"][0] == "years is 0, which is too small"
    assert "which is negative" in said["7"][0]
    assert "unknown currency" in said["9"][0]
    assert "DKK, EUR, USD" in said["9"][1]
    assert said["11"] == ("no price is called 'h100-mnth'", "did you mean 'list:h100-month'?")
    assert "'lots', which is not an amount of money" in said["13"][0]
    assert said["14"][0] == "options[3].colour is not a known key"


ONE = "{name: a, seats: {count: 1, price: 1 EUR}}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"options: [{ONE}, {ONE}]", "two options"),
        ("options: [{name: a}]", "nothing that costs"),
        ("options: [{name: a, operations: {hours_per_month: 3}}]", "no clear cost"),
        ("options: [{name: a, electricity: {per_year: 1 EUR, load_w: 3, price_per_kwh: 1 EUR}}]", "given twice"),
        ("options: [{name: a, electricity: {load_w: 3}}]", "no clear cost"),
        ("options: [{name: a, electricity: {load_w: 3, price_per_kwh: 1 EUR}}]", "how long 'a' works"),
        ("options: [{name: a, tokens: {input: 1 EUR, output: 1 EUR}}]", "no load is given"),
        ("load: {tokens_per_month: 1M}\noptions: [{name: a, tokens: {input: 1 EUR, output: 2 EUR}}]", "not given"),
        (f"options: [{ONE}]\nranges: [{{input: a.rent.price, low: 1, high: 2}}]", "no input"),
        (f"options: [{ONE}]\nranges: [{{input: a.seats.count, low: 5, high: 2}}]", "ends before"),
        (f"options: [{ONE}]\nranges: [{{input: a.seats.price, low: 5, high: 6}}]", "not an amount"),
    ],
)
def test_parts_that_need_each_other(write: Write, text: str, what: str) -> None:
    (error,) = refuse(write(f"version: 1\nname: x\ncurrency: EUR\n{text}\n"))
    assert what in error.what
    assert error.hint
    assert "case.yml" in error.where


def test_unknown_words_name_what_is_known() -> None:
    assert "did you mean 'h100'" in refuse("h10")[0].hint
    assert "claude-team" in refuse("sme", against="claude")[0].hint


def sign(tmp_path: Path, watts: float | None, *, simulated: bool = False) -> tuple[Path, str]:
    """A receipt of the plan's two cards, signed with a key of its own; its file and the public half."""
    plan = make_plan(Options(profile="sme-2x4090")).plan
    cards = [
        CardMeasurement(
            card=card.index, name=card.nvml_name, uuid="GPU-0", total_mib=24564, planned_mib=1, before_mib=0,
            measured_mib=1, tolerance_mib=1, simulated=simulated, power_w=watts,
        )
        for card in plan.cards
    ]  # fmt: skip
    moment = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
    receipt = build_receipt(plan, [], cards, receipt_id="r1", created=moment, version="0", stages=[])
    receipt = receipt.model_copy(update={"simulated": simulated})
    pem = load_or_create_signing_key(tmp_path / "key.pem")
    file = tmp_path / "receipt.json"
    file.write_text(sign_receipt(receipt, pem).model_dump_json(indent=2) + "\n")
    return file, public_key_of(tmp_path / "key.pem")


def ask_receipt(file: Path, key: str) -> CostReport:
    question = CostQuestion(
        case="sme", settings=("load.tokens_per_month=0.001M",), profile="sme-2x4090", receipt=file, key=key
    )
    return answer_cost(question, DAY)


def test_a_receipt_gives_the_idle_watts(tmp_path: Path) -> None:
    report = ask_receipt(*sign(tmp_path, 27.5))
    assert any("receipt r1: cards 55.0 W" in note for note in report.notes)
    kroner = Decimal("0.276") * Decimal("7.46038")
    electricity = next(part.total for part in report.options[0].parts if part.part == "electricity")
    assert abs(electricity - (100 + 55) * Decimal("8.76") * 3 * kroner) < 5
    assert not any("SIMULATED" in note for note in report.notes)


def test_watts_of_simulated_cards_are_no_measurement(tmp_path: Path) -> None:
    assert any("SIMULATED" in note for note in ask_receipt(*sign(tmp_path, 22.0, simulated=True)).notes)


def test_a_receipt_without_watts_is_refused(tmp_path: Path) -> None:
    file, key = sign(tmp_path, None)
    assert "power_w" not in file.read_text(), "as in receipts from before watts were measured"
    with pytest.raises(UsageError, match="no measured watts"):
        ask_receipt(file, key)


def test_a_broken_signature_is_refused(tmp_path: Path) -> None:
    file, key = sign(tmp_path, 27.5)
    file.write_text(file.read_text().replace("27.5", "2.5"))
    with pytest.raises(ReceiptError):
        ask_receipt(file, key)


def test_a_receipt_needs_its_stack(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="need the stack"):
        answer_cost(CostQuestion(case="sme", receipt=tmp_path / "r.json"), DAY)
