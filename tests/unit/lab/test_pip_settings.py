"""What a builder guest learns of this machine's pip."""

from __future__ import annotations

from pathlib import Path

from provision.lab.pip_settings import guest_pip_conf, local_folders, parse_settings

LISTED = """:env:.cert='/etc/ssl/certs/ca-certificates.crt'
:env:.default-timeout='180'
:env:.find-links='/srv/wheels'
:env:.index-url='https://env.example/simple'
global.extra-index-url='file:///srv/index/simple https://two.example/simple'
global.find-links='/srv/wheels /srv/more'
global.index-url='https://file.example/simple'
global.timeout='15'
freeze.timeout='3'
"""


def test_lists_are_joined_and_the_environment_wins() -> None:
    assert parse_settings(LISTED) == {
        "timeout": ("180",),
        "find-links": ("/srv/wheels", "/srv/more"),
        "index-url": ("https://env.example/simple",),
        "extra-index-url": ("file:///srv/index/simple", "https://two.example/simple"),
    }


def test_values_over_several_lines_as_pip_prints_them() -> None:
    assert parse_settings(r"global.find-links='\n/a\n/b'" + "\n") == {"find-links": ("/a", "/b")}


def test_guest_configuration_reads_back_the_same() -> None:
    settings = parse_settings(LISTED)
    text = guest_pip_conf(settings, "/etc/bundle.crt")
    assert "cert = /etc/bundle.crt" in text.splitlines()
    listed = "\n".join(f"global.{line.replace(' = ', '=', 1)}" for line in text.splitlines()[1:])
    quoted = "\n".join(f"{key}='{value}'" for key, _, value in (line.partition("=") for line in listed.splitlines()))
    assert parse_settings(quoted) == settings


def test_folders_to_show_the_builder(tmp_path: Path) -> None:
    for name in ("wheels", "index/simple", "index/files"):
        (tmp_path / name).mkdir(parents=True)
    settings = {
        "find-links": (str(tmp_path / "wheels"), "https://example/links", str(tmp_path / "absent")),
        "extra-index-url": (f"file://{tmp_path}/index/simple", "https://two.example/simple"),
    }
    assert local_folders(settings) == (tmp_path / "wheels", tmp_path / "index")


def test_folder_within_another_is_shown_once(tmp_path: Path) -> None:
    (tmp_path / "all" / "wheels").mkdir(parents=True)
    settings = {"find-links": (str(tmp_path / "all" / "wheels"), str(tmp_path / "all"))}
    assert local_folders(settings) == (tmp_path / "all",)
