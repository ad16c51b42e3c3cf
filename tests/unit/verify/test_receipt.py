"""A receipt is believed only byte for byte, and only from the trusted key."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.errors import ExitCode, ProvisionError, SetupError, UsageError
from provision.models.observation import MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.report import CheckResult, Receipt, SignedReceipt, StageTime
from provision.verify.judge import judge, measure_cards
from provision.verify.receipt import (
    ReceiptError,
    build_receipt,
    canonical_json,
    check_receipt,
    load_or_create_signing_key,
    public_key_of,
    sign_receipt,
)


@pytest.fixture(scope="module")
def receipt(plan: Plan, observations: dict[str, MachineObservation], web: WebObservation) -> Receipt:
    return build_receipt(
        plan,
        judge(plan, observations, web),
        measure_cards(plan, observations),
        receipt_id="20261122T034000Z-ab12",
        created=datetime(2026, 11, 22, 3, 40, tzinfo=UTC),
        version="0.1.0",
        stages=[StageTime(stage="run", seconds=141.0)],
    )


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "signing-key.pem"
    load_or_create_signing_key(path)
    return path


@pytest.fixture(scope="module")
def signed_file(receipt: Receipt, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("receipt") / "receipt.json"
    path.write_text(write(sign_receipt(receipt, key_file.read_bytes())))
    return path


def write(signed: SignedReceipt) -> str:
    return signed.model_dump_json(indent=2) + "\n"


def test_an_unchanged_receipt_is_good(signed_file: Path, key_file: Path, receipt: Receipt) -> None:
    assert check_receipt(signed_file, public_key_of(key_file)).receipt == receipt


def test_what_it_says(receipt: Receipt) -> None:
    assert receipt.verdict == "passed"
    assert receipt.simulated
    assert receipt.releases["n8n"].startswith("2.41.1-")
    assert receipt.urls["chat"] == "https://10.42.0.10/"
    assert [card.planned_mib for card in receipt.cards] == [192, 195]


def test_one_failed_check_fails_the_receipt(receipt: Receipt, plan: Plan) -> None:
    bad = CheckResult(id="x", title="x", machine=None, status="failed", expected="1", measured="2", hint="3")
    made = build_receipt(
        plan, [*receipt.checks, bad], [], receipt_id="x", created=receipt.created, version="0", stages=[]
    )
    assert made.verdict == "failed"
    assert (
        build_receipt(plan, [], [], receipt_id="x", created=receipt.created, version="0", stages=[]).verdict == "failed"
    )


def test_canonical_json_is_sorted_compact_utf8(receipt: Receipt) -> None:
    text = canonical_json(receipt.model_copy(update={"client": "müller"})).decode()
    assert '"client":"müller"' in text
    document = json.loads(text)
    assert list(document) == sorted(document)
    assert ": " not in text.split('"checks"')[0]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(min_value=0), change=st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_refused(
    place: int, change: int, signed_file: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(signed_file.read_bytes().rstrip(b"\n"))
    content[place % len(content)] ^= change
    changed = tmp_path_factory.mktemp("changed") / "receipt.json"
    changed.write_bytes(content)
    with pytest.raises(ProvisionError):
        check_receipt(changed, public_key_of(key_file))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_field_is_refused(
    data: st.DataObject, signed_file: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = json.loads(signed_file.read_text())
    holder, name = data.draw(st.sampled_from(list(walk(document))))
    holder[name] = alter(holder[name])
    changed = tmp_path_factory.mktemp("changed") / "receipt.json"
    try:
        changed.write_text(write(SignedReceipt.model_validate(document)))
    except ValueError:
        changed.write_text(json.dumps(document, indent=2, ensure_ascii=False))
    with pytest.raises(ProvisionError):
        check_receipt(changed, public_key_of(key_file))


def walk(value: Any) -> Any:
    """Every place of a leaf in a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in items:
        if isinstance(item, dict | list):
            yield from walk(item)
        else:
            yield value, name


def alter(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return "passed" if value == "failed" else f"{value or ''}x"


def upper_case(text: str, field: str) -> str:
    value = json.loads(text)[field]
    return text.replace(value, value.upper())


@pytest.mark.parametrize(
    "forge",
    [
        lambda text: text.replace('"verdict": "passed"', '"verdict": "failed", "verdict": "passed"'),
        lambda text: text.replace("{", "{ ", 1),
        lambda text: text + " ",
        lambda text: text + "\n",
        lambda text: text + "{}",
        lambda text: text.replace('"format": 1', '"format": 1.0'),
        lambda text: upper_case(text, "signature"),
        lambda text: upper_case(text, "public_key"),
        lambda text: text[:0],
        lambda text: f"<pre>{text}</pre>",
        lambda text: "[" * 100_000 + text,
    ],
)
def test_other_spellings_are_refused(forge: Any, signed_file: Path, key_file: Path, tmp_path: Path) -> None:
    text = signed_file.read_text()
    forged = forge(text)
    assert forged != text
    path = tmp_path / "receipt.json"
    path.write_text(forged)
    with pytest.raises(ReceiptError) as caught:
        check_receipt(path, public_key_of(key_file))
    assert caught.value.exit_code == ExitCode.CHECK_FAILED
    assert str(path) in caught.value.where


def test_a_stranger_who_signs_a_changed_receipt_is_refused_and_named(
    receipt: Receipt, key_file: Path, tmp_path: Path
) -> None:
    stranger = load_or_create_signing_key(tmp_path / "stranger.pem")
    forged = sign_receipt(receipt.model_copy(update={"verdict": "passed", "client": "other"}), stranger)
    path = tmp_path / "receipt.json"
    path.write_text(write(forged))
    with pytest.raises(ReceiptError) as caught:
        check_receipt(path, public_key_of(key_file))
    assert forged.public_key in caught.value.what
    assert public_key_of(key_file) in caught.value.hint
    swapped = forged.model_copy(update={"public_key": public_key_of(key_file)})
    path.write_text(write(swapped))
    with pytest.raises(ReceiptError, match="changed after signing"):
        check_receipt(path, public_key_of(key_file))


@pytest.mark.parametrize("key", [None, "", "abc", "00" * 31, "zz" * 32])
def test_without_a_trusted_key_nothing_is_good(key: str | None, signed_file: Path) -> None:
    with pytest.raises(UsageError):
        check_receipt(signed_file, key)


def test_a_missing_file_is_a_usage_error(tmp_path: Path, key_file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        check_receipt(tmp_path / "none.json", public_key_of(key_file))


def test_the_signing_key_is_private_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "signing-key.pem"
    first = load_or_create_signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_signing_key(path) == first


def test_a_signing_key_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing-key.pem"
    load_or_create_signing_key(path)
    path.chmod(0o640)
    with pytest.raises(SetupError, match="readable by others"):
        load_or_create_signing_key(path)


def test_a_broken_signing_key_is_an_error(tmp_path: Path, receipt: Receipt) -> None:
    path = tmp_path / "signing-key.pem"
    path.write_text("not a key")
    path.chmod(0o600)
    with pytest.raises(SetupError):
        public_key_of(path)
    with pytest.raises(SetupError):
        sign_receipt(receipt, path.read_bytes())
