"""Package sources and what installs packages by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provision.preflight.script.reading import first, named, place, run


def repositories() -> list[dict[str, Any]]:
    folder = place("/etc/apt/sources.list.d")
    paths = [place("/etc/apt/sources.list"), *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [
        {"file": named(path), "uri": uri, "components": components}
        for path in paths
        if path.exists()
        for uri, components in (stanzas if path.suffix == ".sources" else one_line)(path.read_text(errors="replace"))
    ]


def one_line(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", "", line.split("#")[0]).split()
        if len(words) > 2 and words[0] == "deb":
            yield words[1], words[3:]


def stanzas(text: str) -> Iterator[tuple[str, list[str]]]:
    """deb822: stanzas parted by empty lines; `Enabled: no` switches one off, and the last of a key counts."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)):
        fields = {key.lower(): value for key, value in re.findall(r"(?m)^(\S+):[ \t]*(.*(?:\n[ \t].*)*)", stanza)}
        if fields.get("enabled", "yes").strip().lower() not in ("no", "false", "0"):
            for uri in fields.get("uris", "").split():
                yield uri, fields.get("components", "").split()


def unattended() -> dict[str, Any]:
    if not place("/usr/bin/unattended-upgrade").exists():
        return {"enabled": False, "blacklist": []}
    dump = run("apt-config", "dump")
    blacklist = re.findall(r'^Unattended-Upgrade::Package-Blacklist::[^ ]* "(.*)";$', dump, re.MULTILINE)
    enabled = first(r'^APT::Periodic::Unattended-Upgrade "(.*)";$', dump) not in (None, "", "0")
    return {"enabled": enabled, "blacklist": blacklist}


def held() -> list[str]:
    return run("apt-mark", "showhold").split()
