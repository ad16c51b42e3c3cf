"""Which apt source file of this machine carries its distribution's own archive."""

from __future__ import annotations

from pathlib import Path

from provision.errors import SetupError
from provision.lab.requirements import os_release

APT_HOME = Path("/etc/apt")


def find_main_sources(
    apt_home: Path = APT_HOME, *, distribution: str | None = None, suite: str | None = None
) -> tuple[Path, ...]:
    """The source files that name the running suite's main component of the distribution's own archive.

    Others are left alone: they may be disabled, or reach hosts that do not answer. Raises SetupError when there
    is none.
    """
    release = os_release()
    distribution = distribution or release.get("ID", "")
    suite = suite or release.get("VERSION_CODENAME", "")
    listed = [apt_home / "sources.list", *sorted((apt_home / "sources.list.d").glob("*"))]
    found = tuple(path for path in listed if path.is_file() and _carries(path, distribution, suite))
    if not found:
        raise SetupError(
            f"no apt source offers the main archive of {distribution} {suite}",
            where=f"{apt_home}/sources.list and {apt_home}/sources.list.d",
            hint=f"add the {distribution} archive for {suite}, then run apt-get update",
        )
    return found


def _carries(path: Path, distribution: str, suite: str) -> bool:
    text = path.read_text(errors="replace")
    if path.suffix == ".sources":
        return any(_stanza_carries(stanza, distribution, suite) for stanza in text.split("\n\n"))
    if path.suffix == ".list":
        return any(_line_carries(line, distribution, suite) for line in text.splitlines())
    return False


def _stanza_carries(stanza: str, distribution: str, suite: str) -> bool:
    fields: dict[str, list[str]] = {}
    key = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            fields.setdefault(key, []).extend(line.split())
            continue
        key, _, value = line.partition(":")
        key = key.strip().lower()
        fields[key] = value.split()
    if [word.lower() for word in fields.get("enabled", [])] in (["no"], ["false"]):
        return False
    return (
        "deb" in fields.get("types", [])
        and suite in fields.get("suites", [])
        and "main" in fields.get("components", [])
        and any(_is_archive(uri, distribution) for uri in fields.get("uris", []))
    )


def _line_carries(line: str, distribution: str, suite: str) -> bool:
    words = line.split("#", 1)[0].split()
    if not words or words[0] != "deb":
        return False
    rest = words[1:]
    if rest and rest[0].startswith("["):
        while rest and not rest[0].endswith("]"):
            rest = rest[1:]
        rest = rest[1:]
    return len(rest) >= 3 and rest[1] == suite and "main" in rest[2:] and _is_archive(rest[0], distribution)


def _is_archive(uri: str, distribution: str) -> bool:
    """Mirrors of the archive keep its folder name (`.../debian`, `.../ubuntu`, `mirrors/debian.list`)."""
    return distribution in uri.rstrip("/").rsplit("/", 1)[-1]
