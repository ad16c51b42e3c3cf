"""The apt source file that carries the distribution's own archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.lab.sources import find_main_sources

DEBIAN = """Types: deb
# a comment between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


def apt_home(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        (folder / "sources.list.d" / name.replace("__", ".")).write_text(text)
    return folder


def find(home: Path, distribution: str = "debian", suite: str = "bookworm") -> list[str]:
    return [path.name for path in find_main_sources(home, distribution=distribution, suite=suite)]


def test_deb822_file_is_found_among_foreign_ones(tmp_path: Path) -> None:
    home = apt_home(
        tmp_path,
        debian__sources=DEBIAN,
        node__sources="Types: deb\nURIs: https://deb.vendor.example/node_20.x\nSuites: nodistro\nComponents: main\n",
        vendor__list="deb [arch=amd64 signed-by=/k.gpg] https://apt.vendor.example bookworm main\n",
        docker__list="deb https://download.vendor.example/linux/debian bookworm stable\n",
    )
    assert find(home) == ["debian.sources"]


def test_one_line_style_with_options(tmp_path: Path) -> None:
    home = apt_home(tmp_path, a__list="# deb http://x/debian bookworm main\n")
    (home / "sources.list").write_text("deb [ arch=amd64 ] http://mirror.example/debian/ bookworm main contrib\n")
    assert find(home) == ["sources.list"]


@pytest.mark.parametrize(
    "text",
    [
        DEBIAN.replace("Types: deb\n#", "Enabled: no\nTypes: deb\n#"),
        DEBIAN.replace("bookworm bookworm-updates", "trixie trixie-updates"),
        DEBIAN.replace("Types: deb\n#", "Types: deb-src\n#"),
        DEBIAN.replace("Components: main\nSigned", "Components: contrib\nSigned"),
    ],
)
def test_no_usable_stanza_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SetupError, match="no apt source offers the main archive of debian bookworm"):
        find(apt_home(tmp_path, debian__sources=text))


def test_disabled_file_names_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        find(apt_home(tmp_path, debian__sources__disabled=DEBIAN))


def test_ubuntu_with_continued_fields(tmp_path: Path) -> None:
    text = (
        "Types: deb\nURIs: http://archive.example/ubuntu/\nSuites: noble\n noble-updates\nComponents: main\n universe\n"
    )
    assert find(apt_home(tmp_path, ubuntu__sources=text), "ubuntu", "noble") == ["ubuntu.sources"]
