"""A new signing key: old receipts stay good, and what a stolen former key signs later does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.models.plan import Plan
from provision.models.report import Receipt
from provision.pipeline.options import Options
from provision.pipeline.secrets_signing import check_own_receipt, replace_signing_key
from provision.runner.workspace import Workspace, open_workspace
from provision.verify.receipt import ReceiptError, build_receipt, load_or_create_signing_key, sign_receipt

FIXTURE = Path(__file__).parents[2] / "fixtures" / "sme-2x4090-lab" / "plan.json"
PLAN = Plan.model_validate_json(FIXTURE.read_bytes())
OPTIONS = Options(client=PLAN.client, lab=True)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    workspace = open_workspace(tmp_path, PLAN.client, "lab")
    load_or_create_signing_key(workspace.signing_key)
    return workspace


def write_receipt(workspace: Workspace, pem: bytes, created: datetime) -> Path:
    receipt: Receipt = build_receipt(
        PLAN, (), (), receipt_id="r", created=created.replace(microsecond=0), version="0", stages=()
    )
    path = workspace.folder / f"{created.timestamp()}.json"
    path.write_text(sign_receipt(receipt, pem).model_dump_json(indent=2) + "\n")
    return path


def test_what_the_former_key_signed_in_its_time_stays_good(workspace: Workspace) -> None:
    pem = workspace.signing_key.read_bytes()
    old = write_receipt(workspace, pem, datetime.now(UTC) - timedelta(days=3))
    done = replace_signing_key(OPTIONS)
    assert done.former != done.current
    assert check_own_receipt(old, workspace).public_key == done.former
    new = write_receipt(workspace, workspace.signing_key.read_bytes(), datetime.now(UTC) + timedelta(days=1))
    assert check_own_receipt(new, workspace).public_key == done.current
    later = write_receipt(workspace, pem, datetime.now(UTC) + timedelta(days=2))
    with pytest.raises(ReceiptError, match="replaced before"):
        check_own_receipt(later, workspace)


def test_a_stranger_and_a_changed_receipt_are_refused_after_two_replacements(workspace: Workspace) -> None:
    old = write_receipt(workspace, workspace.signing_key.read_bytes(), datetime.now(UTC) - timedelta(days=3))
    replace_signing_key(OPTIONS)
    replace_signing_key(OPTIONS)
    assert check_own_receipt(old, workspace)
    old.write_text(old.read_text().replace('"verdict": "', '"verdict": "x', 1))
    with pytest.raises(ReceiptError):
        check_own_receipt(old, workspace)
    stranger = load_or_create_signing_key(workspace.folder / "strangers.pem")
    with pytest.raises(ReceiptError, match="unknown key"):
        check_own_receipt(write_receipt(workspace, stranger, datetime.now(UTC)), workspace)


def test_nothing_to_replace_is_said(workspace: Workspace) -> None:
    workspace.signing_key.unlink()
    with pytest.raises(SetupError, match="no signing key"):
        replace_signing_key(OPTIONS)


def test_files_are_the_owners_alone(workspace: Workspace) -> None:
    replace_signing_key(OPTIONS)
    assert {file.stat().st_mode & 0o777 for file in (workspace.signing_key, workspace.former_keys_file)} == {0o600}
