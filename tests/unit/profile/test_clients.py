"""Client files: rendered ones load as they are, and two of them never share a network."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from provision.errors import ErrorGroup, UsageError
from provision.profile import free_network, list_profiles, load_profile, read_client, render_client_file

NETWORK = IPv4Network("10.42.7.0/24")


@pytest.mark.parametrize("profile", [summary.name for summary in list_profiles()])
def test_a_rendered_file_loads(tmp_path: Path, profile: str) -> None:
    path = tmp_path / "client.yml"
    path.write_text(render_client_file("acme", profile, NETWORK, "acme.example"), encoding="utf-8")
    client = read_client(path)
    assert (client.client, client.profile, client.network) == ("acme", profile, NETWORK)
    loaded = load_profile(profile, client_file=path).profile
    assert loaded.client == "acme"
    assert loaded.network.cidr == NETWORK
    assert loaded.network.domain == "acme.example"
    assert loaded.accounts.admin_email == "admin@acme.example"
    assert loaded.machines == load_profile(profile).profile.machines


@pytest.mark.parametrize("profile", [summary.name for summary in list_profiles()])
def test_what_is_commented_out_loads_too_and_changes_nothing(tmp_path: Path, profile: str) -> None:
    """A user removes the '# ' of a line; each of those lines is then right."""
    text = render_client_file("acme", profile, NETWORK, "acme.example")
    settings = re.sub(r"(?m)^( *)# ( *[a-z_]+:.*)$", r"\1\2", text)
    assert settings.count("\n#") < text.count("\n#") - 10
    path = tmp_path / "client.yml"
    path.write_text(settings, encoding="utf-8")
    plain, full = load_profile(profile).profile, load_profile(profile, client_file=path).profile
    assert full.platform.host == "pve.example.lan"
    assert full.network.admin_networks == (IPv4Network("192.168.1.0/24"),)
    assert (full.workload, full.machines, full.access) == (plain.workload, plain.machines, plain.access)


def test_a_domain_of_one_word_keeps_a_valid_mail_address(tmp_path: Path) -> None:
    path = tmp_path / "client.yml"
    path.write_text(render_client_file("acme", "cpu-small", NETWORK, "intern"), encoding="utf-8")
    assert load_profile("cpu-small", client_file=path).profile.accounts.admin_email == "admin@ai.internal"


def test_the_path_of_a_profile_is_meant_from_the_client_file(tmp_path: Path) -> None:
    (tmp_path / "rig.yml").write_text("extends: cpu-small\nname: rig\n", encoding="utf-8")
    path = tmp_path / "client.yml"
    path.write_text("client: acme\nprofile: ./rig.yml\n", encoding="utf-8")
    profile = read_client(path).profile
    assert profile is not None
    assert load_profile(profile, client_file=path).profile.name == "rig"


def test_a_rendered_file_holds_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rig.yml").write_text("extends: cpu-small\nname: rig\n", encoding="utf-8")
    path = tmp_path / "elsewhere.yml"
    path.write_text(render_client_file("acme", "rig.yml", NETWORK, "acme.example"), encoding="utf-8")
    assert read_client(path).profile == str(tmp_path / "rig.yml")


@pytest.mark.parametrize("name", ["", "Acme", "../acme", "a b", "a\nb: c", "1a", "x" * 41, "acme\n"])
def test_what_is_no_name_for_a_client(name: str) -> None:
    with pytest.raises(UsageError):
        render_client_file(name, "cpu-small", NETWORK, "acme.example")


@pytest.mark.parametrize(
    "content", ["", "- a\n", "profile: cpu-small\n", "client: ../x\n", "client: [a]\n", "client: 'a\n"]
)
def test_a_client_file_without_a_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "client.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ErrorGroup) as caught:
        read_client(path)
    assert caught.value.exit_code == 3


def test_a_client_file_may_not_extend(tmp_path: Path) -> None:
    path = tmp_path / "client.yml"
    path.write_text("client: acme\nextends: cpu-small\n", encoding="utf-8")
    with pytest.raises(ErrorGroup) as caught:
        load_profile("cpu-small", client_file=path)
    assert "extends is not a known key" in caught.value.errors[0].what


def test_free_networks_go_upward_and_never_overlap() -> None:
    used: list[IPv4Network] = []
    for _ in range(255):
        used.append(free_network(used))
    assert used == [IPv4Network(f"10.42.{number}.0/24") for number in range(1, 256)]
    with pytest.raises(UsageError):
        free_network(used)


def test_a_client_never_gets_the_network_of_profiles_without_one() -> None:
    assert free_network([]) != load_profile("sme-2x4090").profile.network.cidr


def test_a_used_network_of_any_size_is_avoided() -> None:
    assert free_network([IPv4Network("10.42.0.0/22")]) == IPv4Network("10.42.4.0/24")
    assert free_network([IPv4Network("10.42.1.128/25")]) == IPv4Network("10.42.2.0/24")
    assert free_network([IPv4Network("192.168.0.0/16")]) == IPv4Network("10.42.1.0/24")
