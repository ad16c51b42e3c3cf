"""Each layer wins over the lower ones, and every value names the file and line it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import ErrorGroup, ProfileError, UsageError
from provision.models.profile import Source
from provision.profile import list_profiles, load_profile, locate, source_of

FILE = """\
extends: sme-2x4090
name: rig
hardware:
  memory: 96GiB
  cpu: {cores: 12}
machines:
  engine:
    memory: 48GiB
"""
CLIENT = """\
client: acme
profile: sme-2x4090

hardware:
  cpu:
    cores: 10
machines:
  engine: {cores: 6}
"""


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    path = tmp_path / "rig.yml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    path = tmp_path / "client.yml"
    path.write_text(CLIENT, encoding="utf-8")
    return path


def test_all_built_in_profiles_load() -> None:
    names = [summary.name for summary in list_profiles()]
    assert names == ["cpu-small", "hetzner-rtx6000", "scaleway-h100", "sme-2x4090"]
    for summary in list_profiles():
        profile = load_profile(summary.name).profile
        assert (profile.name, profile.description) == (summary.name, summary.description)
        assert profile.description


def test_the_numbers_of_the_reference_profile() -> None:
    profile = load_profile("sme-2x4090").profile
    assert profile.hardware.memory == 128 * 1024
    assert profile.hardware.storage == 2 * 10**12 // 2**20
    assert profile.hardware.power_supply == 1600
    assert [(group.model, group.count) for group in profile.hardware.gpus] == [("rtx-4090", 2)]
    assert {machine.name: machine.address for machine in profile.machines} == {
        "engine": 11,
        "data": 12,
        "apps": 13,
        "gateway": 10,
        "observe": 14,
    }


def test_each_layer_wins_over_the_lower_one(rig: Path, acme: Path) -> None:
    loaded = load_profile(rig, client_file=acme, overrides=("hardware.cpu.cores=9",))
    engine = loaded.profile.machines[0]
    assert loaded.profile.hardware.cpu.model == "AMD Ryzen 9 7950X"
    assert loaded.profile.hardware.memory == 96 * 1024
    assert loaded.profile.hardware.cpu.cores == 9
    assert (engine.memory, engine.cores, engine.disk) == (48 * 1024, 6, 300 * 1024)
    assert loaded.profile.client == "acme"

    said = {
        "hardware.cpu.model": Source(layer="built-in", place="built-in profile sme-2x4090, line 12"),
        "hardware.memory": Source(layer="file", place=f"{rig}, line 4"),
        "machines.0.memory": Source(layer="file", place=f"{rig}, line 8"),
        "machines.0.cores": Source(layer="client", place=f"{acme}, line 8"),
        "client": Source(layer="client", place=f"{acme}, line 1"),
        "hardware.cpu.cores": Source(layer="--set", place="--set hardware.cpu.cores=9"),
        "access.chat_port": Source(layer="default", place="the schema's default"),
    }
    assert {path: source_of(loaded, path) for path in said} == said


@pytest.mark.parametrize(
    ("overrides", "client", "cores"),
    [((), False, 12), ((), True, 10), (("hardware.cpu.cores=9",), False, 9), (("hardware.cpu.cores=9",), True, 9)],
)
def test_without_a_layer_the_one_below_shows(
    rig: Path, acme: Path, overrides: tuple[str, ...], client: bool, cores: int
) -> None:
    loaded = load_profile(rig, client_file=acme if client else None, overrides=overrides)
    assert loaded.profile.hardware.cpu.cores == cores


def test_the_line_of_every_value_of_the_built_in_profile_is_exact() -> None:
    loaded = load_profile("sme-2x4090")
    folder = Path(__file__).parents[3] / "provision" / "profile" / "builtin"
    lines = (folder / "sme-2x4090.yml").read_text(encoding="utf-8").splitlines()
    checked = 0
    for path, source in loaded.sources.items():
        if source.layer != "default":
            key = next(step for step in reversed(path.split(".")) if not step.isdigit())
            assert f"{key}:" in lines[int(source.place.rsplit(" ", 1)[1]) - 1], path
            checked += 1
    assert checked >= 50


def test_every_leaf_has_a_source(rig: Path) -> None:
    loaded = load_profile(rig)
    assert {"hardware.gpus.0.model", "machines.3.services.0", "network.admin_networks", "platform.host"} <= set(
        loaded.sources
    )
    assert source_of(loaded, "hardware.gpus[0].model") == source_of(loaded, "hardware.gpus.0.model")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("hardware.memory", "{rig}, line 4"),
        ("machines.0", "{rig}, line 8"),
        ("machines[0].disk", "built-in profile sme-2x4090, line 45"),
        ("machines", "{rig}, line 8"),
        ("hardware.gpus.0.power_limit", "built-in profile sme-2x4090, line 18"),
        ("access.chat_port", "profile rig"),
        ("nothing.at.all", "profile rig"),
    ],
)
def test_later_stages_find_the_line_of_a_path(rig: Path, path: str, place: str) -> None:
    assert locate(load_profile(rig), path) == place.format(rig=rig)


def test_asking_for_no_leaf_names_near_ones(rig: Path) -> None:
    loaded = load_profile(rig)
    with pytest.raises(ProfileError, match="not one value") as caught:
        source_of(loaded, "hardware.cpu")
    assert "hardware.cpu.model" in caught.value.hint
    with pytest.raises(ProfileError) as caught:
        source_of(loaded, "hardware.memry")
    assert "hardware.memory" in caught.value.hint


def test_a_list_replaces_the_whole_list(tmp_path: Path) -> None:
    path = tmp_path / "rig.yml"
    path.write_text(
        "extends: sme-2x4090\nname: rig\nhardware:\n  gpus:\n    - model: rtx-6000-ada\n    - {model: rtx-4090}\n",
        encoding="utf-8",
    )
    loaded = load_profile(path)
    assert [group.model for group in loaded.profile.hardware.gpus] == ["rtx-6000-ada", "rtx-4090"]
    assert source_of(loaded, "hardware.gpus.1.model").place == f"{path}, line 6"


@pytest.mark.parametrize(
    ("setting", "path", "place"),
    [
        ("host=pve.example.lan", "platform.host", "--set host=pve.example.lan"),
        ("machines.engine.memory=32GiB", "machines.0.memory", "--set machines.engine.memory=32GiB"),
        ("hardware.gpus[0].power_limit=350W", "hardware.gpus.0.power_limit", None),
        ("hardware.gpus.0.power_limit=350W", "hardware.gpus.0.power_limit", None),
        ("network.admin_networks=[192.168.1.0/24]", "network.admin_networks.0", None),
        ("description=a=b", "description", None),
    ],
)
def test_settings(setting: str, path: str, place: str | None) -> None:
    loaded = load_profile("sme-2x4090", overrides=(setting,))
    assert source_of(loaded, path) == Source(layer="--set", place=place or f"--set {setting}")


def test_a_network_needs_no_range_of_its_own() -> None:
    """The strict reading of texts must not refuse the schema's own default."""
    loaded = load_profile("sme-2x4090", overrides=("network.domain=ai.example",))
    assert str(loaded.profile.network.cidr) == "10.42.0.0/24"


def test_a_later_setting_wins() -> None:
    loaded = load_profile("sme-2x4090", overrides=("host=a.example", "platform.host=b.example"))
    assert loaded.profile.platform.host == "b.example"


@pytest.mark.parametrize(
    "setting", ["host", "=x", "a..b=1", "a b=1", "hardware.=1", "x/../y=1", ".".join("a" * 99) + "=1"]
)
def test_what_is_no_setting_is_a_usage_error(setting: str) -> None:
    with pytest.raises(ErrorGroup) as caught:
        load_profile("sme-2x4090", overrides=(setting,))
    assert isinstance(caught.value.errors[0], UsageError)
    assert len(caught.value.errors) == 1


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("hardware.memory=24BG", "which is not a size"),
        ("hardware.memroy=24GiB", "did you mean 'memory'?"),
        ("hardware.gpus.4.model=rtx-4090", "has no item '4'"),
        ("description=!!python/name:os.system", "uses the tag"),
        ("description=&a x", "anchor or alias"),
        ("description='open", "not valid YAML"),
        ("hardware.memory=", "is empty"),
    ],
)
def test_a_bad_setting_is_named_as_it_was_written(setting: str, words: str) -> None:
    with pytest.raises(ErrorGroup) as caught:
        load_profile("sme-2x4090", overrides=(setting,))
    assert [error.where for error in caught.value.errors] == [f"--set {setting}"]
    assert words in str(caught.value)
    assert caught.value.exit_code == 3


def test_problems_of_all_layers_come_at_once(tmp_path: Path, acme: Path) -> None:
    path = tmp_path / "rig.yml"
    path.write_text("extends: sme-2x4090\nname: rig\nhardware: {memory: lots}\n", encoding="utf-8")
    acme.write_text("client: acme\nnetwork: {cidr: here}\n", encoding="utf-8")
    with pytest.raises(ErrorGroup) as caught:
        load_profile(path, client_file=acme, overrides=("access.chat_port=0", "oops"))
    places = [error.where for error in caught.value.errors]
    assert sorted(places) == sorted([f"{path}, line 3", f"{acme}, line 2", "--set access.chat_port=0", "--set oops"])


def test_a_conflict_is_shown_where_the_higher_layer_made_it(acme: Path) -> None:
    acme.write_text("client: acme\nmachines: {engine: {address: 12}}\n", encoding="utf-8")
    with pytest.raises(ErrorGroup) as caught:
        load_profile("sme-2x4090", client_file=acme)
    assert [error.where for error in caught.value.errors] == [f"{acme}, line 2"]


@pytest.mark.parametrize(
    "name", ["sme-2x409", "nope", "", ".", "a\nb", "x" * 5000, "a\0b", "missing.yml", "no/such/file"]
)
def test_an_unknown_profile(name: str) -> None:
    with pytest.raises(ErrorGroup) as caught:
        load_profile(name)
    (error,) = caught.value.errors
    assert error.exit_code == 3
    assert all(line.isprintable() and len(line) < 400 for line in str(error).split("\n"))


def test_an_unknown_profile_is_told_the_known_ones() -> None:
    with pytest.raises(ErrorGroup) as caught:
        load_profile("sme-2x409")
    (error,) = caught.value.errors
    assert "did you mean 'sme-2x4090'?" in error.hint
    assert "cpu-small, hetzner-rtx6000, scaleway-h100, sme-2x4090" in error.hint


def test_a_folder_and_a_device_are_no_profile(tmp_path: Path) -> None:
    for name in (f"{tmp_path}/", "/dev/zero"):
        with pytest.raises(ErrorGroup) as caught:
            load_profile(name)
        assert "this is not a file" in caught.value.errors[0].what


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "rig.yml"
    path.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    loaded = load_profile(path)
    assert loaded.profile.hardware.memory == 96 * 1024
    assert source_of(loaded, "hardware.memory").place == f"{path}, line 4"
