"""The token's privileges: few, none on '/', each named when it is missing, and the page says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.platforms.privileges import (
    PRIVILEGES,
    Privilege,
    creation_commands,
    describe,
    grants,
    missing_privileges,
    token_id,
)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "privileges.md"
PLACES = [("local-lvm", "local"), ("tank", "tank")]


def permissions(storage: str, templates: str) -> dict[str, dict[str, int]]:
    """As a node answers that granted exactly what is documented."""
    found = grants("acme", storage, templates, "localnetwork")
    return {grant.path: dict.fromkeys(grant.privileges, 1) for grant in found}


@pytest.mark.parametrize(("storage", "templates"), PLACES)
def test_exactly_the_documented_ones_are_enough(storage: str, templates: str) -> None:
    assert missing_privileges(permissions(storage, templates), "acme", storage, templates, "localnetwork") == ()


@pytest.mark.parametrize(("storage", "templates"), PLACES)
@pytest.mark.parametrize("privilege", PRIVILEGES, ids=lambda p: p.name)
def test_each_one_is_named_when_it_is_missing(privilege: Privilege, storage: str, templates: str) -> None:
    held = permissions(storage, templates)
    for names in held.values():
        names.pop(privilege.name, None)
    (missing,) = missing_privileges(held, "acme", storage, templates, "localnetwork")
    assert (missing.name, missing.needed_for) == (privilege.name, privilege.needed_for)


def test_a_token_that_may_nothing_lacks_all() -> None:
    assert {m.name for m in missing_privileges({}, "acme", "a", "b", "z")} == {p.name for p in PRIVILEGES}


def test_few_and_never_on_the_root_path() -> None:
    names = [privilege.name for privilege in PRIVILEGES]
    assert len(names) == len(set(names)) <= 14
    for storage, templates in PLACES:
        paths = [grant.path for grant in grants("acme", storage, templates, "localnetwork")]
        assert len(set(paths)) == len(paths)
        assert all(path.count("/") >= 2 for path in paths)


def test_user_and_token_are_granted_the_same_and_the_token_comes_last() -> None:
    *before, last = creation_commands("acme", "local-lvm", "local", "localnetwork")
    assert last[:5] == ("pveum", "user", "token", "add", "provision@pve")
    assert "--privsep" in last
    users = {c[3:4] + c[-1:] for c in before if "--users" in c}
    tokens = {c[3:4] + c[-1:] for c in before if "--tokens" in c}
    assert users == tokens
    assert {c[5] for c in before if "--tokens" in c} == {token_id("acme")}


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == describe() + "\n", "run: python -m provision.platforms.privileges > docs/privileges.md"
