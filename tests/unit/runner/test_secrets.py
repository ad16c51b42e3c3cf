"""Secrets are made once, stay as they are, and never lie in the open."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest

from provision.errors import SetupError
from provision.runner.secrets import ensure_secrets, keep_secret, read_secrets
from provision.runner.workspace import Workspace, open_workspace

REQUIRED = {"owner": "password", "owner_hash": "bcrypt-of:owner", "key": "hex32", "token": "token"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path, "acme", "lab")


def test_every_kind_has_its_form(workspace: Workspace) -> None:
    made = ensure_secrets(workspace, REQUIRED)
    assert len(made["owner"]) >= 24
    assert bcrypt.checkpw(made["owner"].encode(), made["owner_hash"].encode())
    assert len(bytes.fromhex(made["key"])) == 32
    assert len(made["token"]) >= 40


def test_existing_secrets_never_change_and_new_ones_are_added(workspace: Workspace) -> None:
    first = ensure_secrets(workspace, {"owner": "password"})
    before = workspace.secrets_file.read_bytes()
    assert ensure_secrets(workspace, {"owner": "password"}) == first
    assert workspace.secrets_file.read_bytes() == before
    more = ensure_secrets(workspace, REQUIRED)
    assert more["owner"] == first["owner"]
    assert read_secrets(workspace) == more


def test_nothing_readable_lies_on_disk(workspace: Workspace) -> None:
    made = ensure_secrets(workspace, REQUIRED)
    for file in workspace.folder.rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o077 == 0, file
            content = file.read_bytes()
            assert not any(value.encode() in content for value in made.values()), file


def test_a_lost_vault_password_is_said_and_nothing_is_overwritten(workspace: Workspace) -> None:
    ensure_secrets(workspace, REQUIRED)
    vault = workspace.secrets_file.read_bytes()
    workspace.vault_password_file.write_text("another\n")
    with pytest.raises(SetupError) as caught:
        ensure_secrets(workspace, REQUIRED)
    assert "vault-password" in caught.value.hint
    assert workspace.secrets_file.read_bytes() == vault


def test_two_clients_have_different_secrets(tmp_path: Path) -> None:
    one = ensure_secrets(open_workspace(tmp_path, "one", "lab"), REQUIRED)
    two = ensure_secrets(open_workspace(tmp_path, "two", "lab"), REQUIRED)
    assert not set(one.values()) & set(two.values())


def test_a_secret_of_somebody_else_is_asked_for_and_never_made(workspace: Workspace) -> None:
    wanted = {**REQUIRED, "alerts_mail_password": "given"}
    with pytest.raises(SetupError, match="only its other side knows alerts_mail_password") as refused:
        ensure_secrets(workspace, wanted)
    assert "provision secrets set alerts_mail_password" in refused.value.hint
    assert not workspace.secrets_file.exists()
    keep_secret(workspace, "alerts_mail_password", "theirs")
    assert ensure_secrets(workspace, wanted)["alerts_mail_password"] == "theirs"
