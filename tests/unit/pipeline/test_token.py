"""A client's token made by root on a node that refuses what pveum refuses, for the first time and once more."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import pytest

from provision.errors import RunError
from provision.models.node import NodeAccess
from provision.models.plan import Plan
from provision.pipeline import token
from provision.platforms.privileges import creation_commands, grants, missing_privileges
from provision.runner.workspace import Workspace

WHERE = ("acme", "local-lvm", "local", "localnetwork")
TOKEN = "provision@pve!acme"


class StandInPveum:
    """What `pveum` keeps and refuses: pve-access-control, API2/{Role,User,ACL}.pm; pve-manager, API2/Pool.pm."""

    def __init__(self) -> None:
        self.there: set[tuple[str, ...]] = set()
        self.roles: dict[str, list[str]] = {}
        self.acl: dict[tuple[str, str], set[str]] = {}
        self.secrets: list[str] = []
        self.grants_to_tokens = True

    def run(self, _login: object, argv: tuple[str, ...]) -> str:
        match argv[1:]:
            case ("pool" | "user" as kind, "add", name):
                self._add((kind, name))
            case ("role", "add", name, "--privs", names):
                self._add(("role", name))
                self.roles[name] = names.split(",")
            case ("role", "modify", name, "--privs", names):
                self._need(("role", name))
                self.roles[name] = names.split(",")
            case ("acl", "modify", path, "--users" | "--tokens" as kind, who, "--roles", role):
                self._need(("token" if kind == "--tokens" else "user", who))
                if kind == "--tokens" and not self.grants_to_tokens:
                    raise RunError("the node refused: cluster not ready - no quorum?", where="", hint="")
                self._need(("role", role))
                self.acl.setdefault((who, path), set()).add(role)
            case ("user", "token", "add", user, name, "--privsep", "1", "--output-format", "json"):
                self._need(("user", user))
                self._add(("token", f"{user}!{name}"))
                self.secrets.append(f"secret {len(self.secrets)}")
                return json.dumps({"full-tokenid": f"{user}!{name}", "value": self.secrets[-1]})
            case ("user", "token", "remove", user, name):
                self._need(("token", f"{user}!{name}"))
                self.there.remove(("token", f"{user}!{name}"))
                # Reading user.cfg drops what was granted to a token that is no more (AccessControl.pm).
                self.acl = {key: held for key, held in self.acl.items() if key[0] != f"{user}!{name}"}
            case _:
                raise AssertionError(argv)
        return ""

    def permissions(self) -> dict[str, dict[str, int]]:
        """Of the token: what both it and its user hold."""
        found: dict[str, dict[str, int]] = {}
        for grant in grants(*WHERE):
            user, its = (self._held(who, grant.path) for who in (TOKEN.split("!")[0], TOKEN))
            if user & its:
                found[grant.path] = dict.fromkeys(user & its, 1)
        return found

    def _held(self, who: str, path: str) -> set[str]:
        return {name for role in self.acl.get((who, path), ()) for name in self.roles[role]}

    def _add(self, what: tuple[str, ...]) -> None:
        if what in self.there:
            raise RunError(f"the node refused: {' '.join(what)} already exists", where="", hint="")
        self.there.add(what)

    def _need(self, what: tuple[str, ...]) -> None:
        if what not in self.there:
            raise RunError(f"the node refused: no such {' '.join(what)}", where="", hint="")


@pytest.fixture
def pveum(monkeypatch: pytest.MonkeyPatch) -> StandInPveum:
    stand_in = StandInPveum()
    monkeypatch.setattr(token, "run_on_node", stand_in.run)
    monkeypatch.setattr(token, "commands_of", lambda _plan: creation_commands(*WHERE))
    return stand_in


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    secrets: list[str] = []
    monkeypatch.setattr(token, "keep_secret", lambda _workspace, _name, value: secrets.append(value))
    return secrets


def create() -> None:
    plan, access = SimpleNamespace(client="acme"), SimpleNamespace(login=None)
    token.create_token(cast(Workspace, None), cast(Plan, plan), cast(NodeAccess, access))


def test_a_bare_node_gets_a_token_that_may_all_that_is_documented(pveum: StandInPveum, kept: list[str]) -> None:
    create()
    assert missing_privileges(pveum.permissions(), *WHERE) == ()
    assert kept == pveum.secrets == ["secret 0"]


def test_a_token_made_anew_may_the_same_and_its_secret_replaces_the_old(pveum: StandInPveum, kept: list[str]) -> None:
    create()
    create()
    assert missing_privileges(pveum.permissions(), *WHERE) == ()
    assert kept[-1] == pveum.secrets[-1] == "secret 1"


def test_a_role_that_lost_a_privilege_has_it_again(pveum: StandInPveum, kept: list[str]) -> None:
    create()
    pveum.roles["ProvisionGuests"].remove("VM.PowerMgmt")
    assert [m.name for m in missing_privileges(pveum.permissions(), *WHERE)] == ["VM.PowerMgmt"]
    create()
    assert missing_privileges(pveum.permissions(), *WHERE) == ()
    assert len(kept) == 2


def test_the_secret_is_kept_though_a_later_step_fails(pveum: StandInPveum, kept: list[str]) -> None:
    """It is shown once: lost, the next run would have to make the token anew."""
    pveum.grants_to_tokens = False
    with pytest.raises(RunError, match="quorum"):
        create()
    assert kept == ["secret 0"]
