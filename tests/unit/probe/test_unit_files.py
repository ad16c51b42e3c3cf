"""When a unit's files last changed, when its process read them, who runs it, and which release is current.

The recordings are what systemd 252 said of the services of a real lab stack.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from provision.models.observation import ReleaseObservation, UnitObservation

if TYPE_CHECKING:
    from tests.unit.probe.conftest import Probe

Part = Callable[[str], ModuleType]
RECORDED = Path(__file__).with_name("recorded")
UNITS = {
    "caddy.service": "show-caddy.txt",
    "postgresql@15-main.service": "show-postgresql.txt",
    "llama-cpp@chat.service": "show-llama-cpp.txt",
}


def shown(part: Part, unit: str, **changes: str) -> dict[str, str]:
    """A recorded unit as the probe reads it, with some properties changed."""
    block: dict[str, str] = part("units").parse_block((RECORDED / UNITS[unit]).read_text())
    return {**block, **changes}


def write(etc: Path, *names: str) -> None:
    for name in names:
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text("x")


def listed(part: Part, unit: str, etc: Path) -> set[str]:
    """What the probe would look at, paths below the temporary /etc relative to it."""
    changes = {"ExecStartPost": shown(part, unit).get("ExecStartPost", "").replace("/etc/", f"{etc}/")}
    files: list[Path] = part("unit_files").list_files(unit, shown(part, unit, **changes), etc)
    return {str(path.relative_to(etc)) if path.is_relative_to(etc) else str(path) for path in files}


def test_what_the_unit_writes_itself_does_not_count(part: Part, tmp_path: Path) -> None:
    write(tmp_path, "caddy/Caddyfile", "caddy/ca-root.crt", "caddy/sites/a.conf")
    assert listed(part, "caddy.service", tmp_path) == {
        "/lib/systemd/system/caddy.service",
        "/etc/systemd/system/caddy.service.d/provision.conf",
        "caddy/Caddyfile",
        "caddy/sites/a.conf",
    }


def test_an_instance_has_its_own_files_and_the_release_it_starts_from(part: Part, tmp_path: Path) -> None:
    write(tmp_path, "llama-cpp/chat.env", "llama-cpp/chat.key", "llama-cpp/embed.env", "llama-cpp/chat-2.env")
    assert listed(part, "llama-cpp@chat.service", tmp_path) == {
        "/etc/systemd/system/llama-cpp@.service",
        "/opt/llama-cpp/current",
        "llama-cpp/chat.env",
        "llama-cpp/chat.key",
    }


def test_a_database_cluster_has_the_folder_that_its_instance_names(part: Part, tmp_path: Path) -> None:
    write(tmp_path, "postgresql/15/main/conf.d/provision.conf", "postgresql/15/main/pg_hba.conf")
    write(tmp_path, "postgresql/15/other/pg_hba.conf", "postgresql/16/main/pg_hba.conf")
    assert listed(part, "postgresql@15-main.service", tmp_path) == {
        "/lib/systemd/system/postgresql@.service",
        "/etc/systemd/system/postgresql@.service.d/provision.conf",
        "postgresql/15/main/conf.d/provision.conf",
        "postgresql/15/main/pg_hba.conf",
    }


@pytest.mark.parametrize("leftover", ["Caddyfile.dpkg-dist", "a.ucf-old", "Caddyfile~", ".Caddyfile.swp", "a.bak"])
def test_leftovers_of_editors_and_packages_are_not_configuration(part: Part, tmp_path: Path, leftover: str) -> None:
    write(tmp_path, f"caddy/{leftover}")
    assert not [name for name in listed(part, "caddy.service", tmp_path) if "caddy/" in name and leftover in name]


def test_the_newest_file_is_named_and_a_switched_link_counts(part: Part, tmp_path: Path) -> None:
    write(tmp_path, "old", "releases/1/x")
    os.utime(tmp_path / "old", (1000, 1000.9))
    os.utime(tmp_path / "releases/1", (900, 900))
    link = tmp_path / "current"
    link.symlink_to("releases/1")
    os.utime(link, (1500, 1500), follow_symlinks=False)
    newest = part("unit_files").find_newest
    assert newest([tmp_path / "old", tmp_path / "releases/1", tmp_path / "gone"]) == (1000, str(tmp_path / "old"))
    assert newest([tmp_path / "old", link]) == (1500, str(link))
    assert newest([tmp_path / "gone"]) == (None, None)


@pytest.mark.parametrize(
    ("unit", "changes", "moment"),
    [
        # A service that cannot reload has read its files when its process started.
        ("llama-cpp@chat.service", {"StateChangeTimestamp": "@1795329999"}, 1795320550),
        ("caddy.service", {}, 1795320549),
        # A reload is a change of state; one that failed has taken nothing up.
        ("caddy.service", {"StateChangeTimestamp": "@1795329999"}, 1795329999),
        ("caddy.service", {"StateChangeTimestamp": "@1795329999", "ReloadResult": "exit-code"}, 1795320548),
        ("postgresql@15-main.service", {"StateChangeTimestamp": "@1795329999"}, 1795329999),
        ("caddy.service", {"StateChangeTimestamp": ""}, None),
    ],
)
def test_when_the_files_were_read(part: Part, unit: str, changes: dict[str, str], moment: int | None) -> None:
    assert part("units").read_moment(shown(part, unit, **changes)) == moment


def test_several_commands_of_one_kind_are_all_kept(part: Part) -> None:
    block = part("units").parse_block("ExecStartPost={ a /etc/one }\nUser=x=y\nExecStartPost={ b /etc/two }\n")
    assert block == {"ExecStartPost": "{ a /etc/one }\n{ b /etc/two }", "User": "x=y"}


@pytest.mark.parametrize("unit", UNITS)
def test_a_recorded_unit_fits_the_contract(part: Part, unit: str) -> None:
    told = UnitObservation.model_validate(part("units").show_unit(unit, shown(part, unit, MainPID=str(os.getpid()))))
    assert (told.name, told.active_state, told.error) == (unit, "active", None)
    assert told.process_user == pwd.getpwuid(os.geteuid()).pw_name
    assert told.config_read_unix_s


def test_the_owner_of_a_running_unit_is_told_by_the_whole_probe(probe: Probe) -> None:
    seen = probe({"units": ["llama-cpp@chat.service"]}, FAKE_MAIN_PID=str(os.getpid())).units
    assert seen is not None
    assert (seen[0].user, seen[0].process_user) == ("llama-cpp", pwd.getpwuid(os.geteuid()).pw_name)


def test_no_process_has_no_owner(part: Part) -> None:
    assert part("process").read_owner(0) is None
    assert part("units").show_unit("caddy.service", shown(part, "caddy.service", MainPID="0"))["process_user"] is None


def test_the_effective_user_counts(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that gave up root only effectively is told by what it may do now."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tx\nUid:\t0\t4294967\t0\t4294967\n")
    process = part("process")
    monkeypatch.setattr(process, "PROC", tmp_path)
    assert process.read_owner(7) == "4294967"


def releases(part: Part, opt: Path) -> list[ReleaseObservation]:
    return [ReleaseObservation.model_validate(told) for told in part("releases").observe_releases(opt)]


def test_the_current_release_of_every_service_is_told(part: Part, tmp_path: Path) -> None:
    for service, release in (("n8n", "2.41.1-aa"), ("open-webui", "0.12.4-bb")):
        (tmp_path / service / "releases" / release).mkdir(parents=True)
        (tmp_path / service / "current").symlink_to(f"releases/{release}")
    (tmp_path / "provision-probe").mkdir()
    assert releases(part, tmp_path) == [
        ReleaseObservation(service="n8n", current="2.41.1-aa"),
        ReleaseObservation(service="open-webui", current="0.12.4-bb"),
    ]


def test_a_link_to_nothing_and_no_link_are_told(part: Part, tmp_path: Path) -> None:
    for service in ("a", "b", "c"):
        (tmp_path / service / "releases").mkdir(parents=True)
    (tmp_path / "a" / "current").symlink_to("releases/1.0-gone")
    (tmp_path / "b" / "current").mkdir()
    dangling, folder, none = releases(part, tmp_path)
    assert dangling.current == "1.0-gone"
    assert "points at releases/1.0-gone, which is not there" in (dangling.error or "")
    assert (folder.current, none.current) == (None, None)
    assert "b/current is no link" in (folder.error or "")
    assert "c/current is no link" in (none.error or "")


def test_the_whole_probe_tells_of_releases_when_asked(probe: Probe) -> None:
    assert probe({"releases": True}).releases is not None
    assert probe({}).releases is None
