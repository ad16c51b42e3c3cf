"""The token's privileges: few, none on '/', each named when it is missing, and the page says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.platforms.privileges import (
    MAKE_TOKEN,
    PRIVILEGES,
    Excess,
    Privilege,
    creation_commands,
    describe,
    excess_privileges,
    grants,
    missing_privileges,
    token_id,
)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "privileges.md"
PLACES = [("local-lvm", "local"), ("tank", "tank")]
WHERE = ("acme", "local-lvm", "local", "localnetwork")
NAMES = sorted(privilege.name for privilege in PRIVILEGES)
OTHERS = ["Permissions.Modify", "Pool.Allocate", "Sys.Modify", "VM.Console"]
POOL = "/pool/provision-acme"


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


@given(st.sets(st.sampled_from(NAMES)), st.sampled_from(PLACES))
def test_exactly_what_was_taken_away_is_named(taken: set[str], places: tuple[str, str]) -> None:
    held = permissions(*places)
    for names in held.values():
        for name in taken:
            names.pop(name, None)
    # Proxmox leaves out a path on which nothing is held.
    answered = {path: names for path, names in held.items() if names}
    assert {m.name for m in missing_privileges(answered, "acme", *places, "localnetwork")} == taken
    assert excess_privileges(answered, "acme", *places, "localnetwork") == ()


def test_held_elsewhere_is_held_nowhere() -> None:
    elsewhere = {"/": 1, "/pool": 1, "/pool/provision-acme2": 1, "/vms/101": 1, "/storage/local-lvm2": 1}
    assert len(missing_privileges({path: dict.fromkeys(NAMES, 1) for path in elsewhere}, *WHERE)) == len(PRIVILEGES)


@given(
    st.dictionaries(
        st.sampled_from(["/pool/other", "/storage/backups", "/vms/900", "/nodes/pve", "/access", "/sdn/zones/other"]),
        st.sets(st.sampled_from(NAMES + OTHERS), min_size=1),
    )
)
def test_exactly_what_is_too_much_is_named(extra: dict[str, set[str]]) -> None:
    held = permissions("local-lvm", "local")
    for path, names in extra.items():
        held.setdefault(path, {}).update(dict.fromkeys(names, 1))
    found = excess_privileges(held, *WHERE)
    assert set(found) == {Excess(name, path) for path, names in extra.items() for name in names}
    assert len(found) == len(set(found))
    assert missing_privileges(held, *WHERE) == ()


@pytest.mark.parametrize("name", NAMES + OTHERS)
@pytest.mark.parametrize("handed_down", [0, 1])
def test_anything_on_the_root_path_is_too_much_and_named_once(name: str, handed_down: int) -> None:
    held: dict[str, dict[str, int]] = {"/": {name: handed_down}}
    for path, names in permissions("local-lvm", "local").items():
        held[path] = {**names, name: 1} if handed_down else names
    assert excess_privileges(held, *WHERE) == (Excess(name, "/"),)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("path", [POOL, "/storage/local", "/sdn/zones/localnetwork"])
def test_more_on_a_documented_path_is_too_much(name: str, path: str) -> None:
    held = permissions("local-lvm", "local")
    held[path][name] = 1
    assert excess_privileges(held, *WHERE) == (Excess(name, path),)


def test_what_guests_have_from_their_pool_and_bridges_from_their_zone_is_not_too_much() -> None:
    held = permissions("local-lvm", "local")
    held["/vms/101"] = dict.fromkeys(held[POOL], 0)
    held["/sdn/zones/localnetwork/vmbr0"] = {"SDN.Use": 1}
    assert excess_privileges(held, *WHERE) == ()
    held["/vms/101"]["VM.Console"] = 0
    assert excess_privileges(held, *WHERE) == (Excess("VM.Console", "/vms/101"),)


def test_few_and_never_on_the_root_path() -> None:
    names = [privilege.name for privilege in PRIVILEGES]
    assert len(names) == len(set(names)) <= 14
    for storage, templates in PLACES:
        paths = [grant.path for grant in grants("acme", storage, templates, "localnetwork")]
        assert len(set(paths)) == len(paths)
        assert all(path.count("/") >= 2 for path in paths)


def test_user_and_token_are_granted_the_same_and_the_token_once_it_is_there() -> None:
    """`acl modify` refuses a token that does not exist (pve-access-control, API2/ACL.pm, update_acl)."""
    commands = creation_commands(*WHERE)
    (made,) = (number for number, c in enumerate(commands) if c[: len(MAKE_TOKEN)] == MAKE_TOKEN)
    assert commands[made][4:8] == ("provision@pve", "acme", "--privsep", "1")
    users = {c[3:4] + c[-1:] for c in commands[:made] if "--users" in c}
    tokens = {c[3:4] + c[-1:] for c in commands[made:] if "--tokens" in c}
    assert users == tokens
    assert len(users) == len(grants(*WHERE))
    assert {c[5] for c in commands if "--tokens" in c} == {token_id("acme")}
    assert not any("--tokens" in c for c in commands[:made])


@pytest.mark.parametrize(("storage", "templates"), PLACES)
def test_a_role_that_is_there_already_is_set_to_what_is_documented(storage: str, templates: str) -> None:
    """`role add` refuses it and leaves it as it is (pve-access-control, API2/Role.pm, create_role)."""
    roles = [c for c in creation_commands("acme", storage, templates, "localnetwork") if c[1] == "role"]
    for grant in grants("acme", storage, templates, "localnetwork"):
        about = [c for c in roles if c[3] == grant.role]
        assert [c[2] for c in about] == ["add", "modify"]
        assert {c[4:] for c in about} == {("--privs", ",".join(grant.privileges))}


def test_each_privilege_has_a_source_file_and_function() -> None:
    for privilege in PRIVILEGES:
        for source in privilege.source.split("; "):
            file, _, functions = source.partition(": ")
            assert file.endswith(".pm"), source
            assert functions, source


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == describe() + "\n", "run: python -m provision.platforms.privileges > docs/privileges.md"
