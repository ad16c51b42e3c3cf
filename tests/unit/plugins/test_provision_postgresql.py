"""Decisions of provision_postgresql; the real server is asked in molecule/postgresql."""

from __future__ import annotations

import base64
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MODULE = Path(__file__).parents[3] / "plugins" / "modules" / "provision_postgresql.py"
PASSWORD = "canary-1d2c"
WISH = [{"name": "n8n", "owner": "n8n", "password": PASSWORD}]


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("provision_postgresql", MODULE)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def make_state(**changes: Any) -> dict[str, Any]:
    return {"verifiers": {}, "too_mighty": ["postgres"], "owners": {"postgres": "postgres"}, "open": [], **changes}


def settled(module: ModuleType) -> dict[str, Any]:
    return make_state(verifiers={"n8n": module.make_verifier(PASSWORD, b"0123456789abcdef")}, owners={"n8n": "n8n"})


def test_verifier_is_that_of_the_rfc(module: ModuleType) -> None:
    """RFC 7677, section 3: user "user", password "pencil". Its server key signs the auth message as printed there."""
    import hashlib
    import hmac

    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    verifier = module.make_verifier("pencil", salt)
    server_key = base64.b64decode(verifier.rsplit(":", 1)[1])
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    signature = hmac.new(server_key, message.encode(), hashlib.sha256).digest()
    assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_new_machine_gets_role_database_and_closed_door(module: ModuleType) -> None:
    said = [what for what, _ in module.choose_statements(WISH, make_state())]
    assert said == ["create role n8n", "create database n8n", "close n8n"]


def test_settled_machine_needs_nothing(module: ModuleType) -> None:
    assert module.choose_statements(WISH, settled(module)) == []


def test_only_a_different_password_is_set(module: ModuleType) -> None:
    changed = [{**WISH[0], "password": "another"}]
    said = [what for what, _ in module.choose_statements(changed, settled(module))]
    assert said == ["set password of n8n"]


@pytest.mark.parametrize("verifier", ["", "md5deadbeef", "SCRAM-SHA-256$x", "SCRAM-SHA-256$4096:AA==$a:b"])
def test_other_verifiers_are_replaced(module: ModuleType, verifier: str) -> None:
    state = {**settled(module), "verifiers": {"n8n": verifier}}
    assert [what for what, _ in module.choose_statements(WISH, state)] == ["set password of n8n"]


def test_drift_in_rights_owner_and_access_is_found(module: ModuleType) -> None:
    state = {**settled(module), "too_mighty": ["n8n"], "owners": {"n8n": "postgres"}, "open": ["n8n"]}
    said = [what for what, _ in module.choose_statements(WISH, state)]
    assert said == ["take rights from n8n", "give n8n to n8n", "close n8n"]


def test_no_statement_has_the_password(module: ModuleType) -> None:
    for state in (make_state(), {**settled(module), "verifiers": {"n8n": ""}}):
        assert PASSWORD not in str(module.choose_statements(WISH, state))


def test_one_owner_of_two_databases_is_made_once(module: ModuleType) -> None:
    both = [*WISH, {"name": "other", "owner": "n8n", "password": PASSWORD}]
    said = [what for what, _ in module.choose_statements(both, make_state())]
    assert said.count("create role n8n") == 1


def test_hostile_names_are_quoted(module: ModuleType) -> None:
    hostile = [{"name": 'a"; drop database x; --', "owner": "o", "password": PASSWORD}]
    statements = dict(module.choose_statements(hostile, make_state()))
    assert any(text == 'create database "a""; drop database x; --" owner "o";' for text in statements.values())


@pytest.mark.parametrize("password", ["pässword", "line\nbreak"])
def test_password_that_needs_saslprep_is_refused(module: ModuleType, password: str) -> None:
    with pytest.raises(module.Refused):
        module.make_verifier(password, b"salt")


def test_other_major_version_is_refused(module: ModuleType) -> None:
    module.refuse_other_version(15, 150020)
    with pytest.raises(module.Refused, match="PostgreSQL 17 answers, planned is 15"):
        module.refuse_other_version(15, 170001)
