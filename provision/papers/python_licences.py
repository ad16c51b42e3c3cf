"""Licences of Python packages, which their locks do not name: read once from installed releases and kept as data.

    python -m provision.papers.python_licences .venv decision_layer/.venv FOLDER-OF-A-RELEASE...

A folder is searched for `*.dist-info/METADATA`, the core metadata of packaging.python.org. `License-Expression` is
SPDX already (PEP 639); an older `License` counts where it is short, else the trove classifiers do. What says nothing
stays unknown.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from email.parser import HeaderParser
from email.policy import compat32
from functools import cache
from pathlib import Path

from provision.errors import SetupError

FILE = Path(__file__).parent / "data" / "python-licences.json"
_OSI = "License :: OSI Approved :: "
_UNAMBIGUOUS = {
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Classifiers that mean one SPDX id; those that PEP 639 calls ambiguous ("BSD License", "Apache Software License") keep
their own words."""
_SHORT = 60
"""Characters: a longer `License` is the text of the licence, not its name."""
_SEPARATORS = re.compile(r"[-_.]+")


def normal_name(name: str) -> str:
    """As PEP 503 compares names."""
    return _SEPARATORS.sub("-", name).lower()


@cache
def known_licences() -> dict[str, str]:
    """`name==version` to its licence. Raises SetupError where the checkout's file is damaged."""
    try:
        licences: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))["licences"]
    except (OSError, ValueError, KeyError) as error:
        hint = "the checkout is damaged: fetch it again"
        raise SetupError(
            f"the licences of Python packages cannot be read: {error}", where=str(FILE), hint=hint
        ) from error
    return licences


def read_licence(metadata: str) -> tuple[str, str | None]:
    """`name==version`, and the licence as the package itself declares it."""
    found = HeaderParser(policy=compat32).parsestr(metadata, headersonly=True)
    key = f"{normal_name(str(found['Name']))}=={found['Version']}"
    if expression := found["License-Expression"]:
        return key, str(expression)
    said = str(found["License"] or "").strip()
    classifiers = [str(item)[len(_OSI) :] for item in found.get_all("Classifier", []) if str(item).startswith(_OSI)]
    named = " OR ".join(_UNAMBIGUOUS.get(item, item) for item in classifiers)
    if said and "\n" not in said and len(said) <= _SHORT and said.upper() not in {"UNKNOWN", "NONE"}:
        return key, said if not named or " " not in said else named
    return key, named or None


def read_folders(folders: list[Path]) -> Iterator[tuple[str, str | None]]:
    for folder in folders:
        for file in sorted(folder.rglob("*.dist-info/METADATA")):
            yield read_licence(file.read_text(encoding="utf-8", errors="replace"))


def main() -> None:
    """Adds what the given folders hold to the file; what is known of other versions stays."""
    known = dict(known_licences()) if FILE.exists() else {}
    silent = set()
    for key, licence in read_folders([Path(name) for name in sys.argv[1:]]):
        if licence:
            known[key] = licence
        else:
            silent.add(key)
    FILE.write_text(
        json.dumps({"licences": dict(sorted(known.items()))}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(
        f"{len(known)} packages; without a word on their licence: {', '.join(sorted(silent - known.keys())) or 'none'}"
    )


if __name__ == "__main__":
    main()
