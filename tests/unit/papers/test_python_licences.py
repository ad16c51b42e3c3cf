"""What a Python package says of its licence, and what the kept data say of this checkout's own lock."""

from __future__ import annotations

import pytest

from provision.papers.locked_packages import read_lock
from provision.papers.python_licences import known_licences, read_licence
from provision.places import REPOSITORY

HEAD = "Metadata-Version: 2.4\nName: Some.Thing_x\nVersion: 1.2\n"
OSI = "Classifier: License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ("License-Expression: Apache-2.0 OR MIT\nLicense: old\n", "Apache-2.0 OR MIT"),
        ("License: BSD-3-Clause\n", "BSD-3-Clause"),
        ("License: MIT\n" + OSI + "MIT License\n", "MIT"),
        ("License: The licence of us all\n" + OSI + "MIT License\n", "MIT"),
        (OSI + "BSD License\n", "BSD License"),
        (OSI + "MIT License\n" + OSI + "Apache Software License\n", "MIT OR Apache Software License"),
        ("License: " + "x" * 61 + "\n", None),
        ("License: Copyright somebody\n        all of its text\n" + OSI + "ISC License (ISCL)\n", "ISC"),
        ("License: UNKNOWN\n", None),
        ("", None),
    ],
)
def test_a_package_declares_its_licence(fields: str, licence: str | None) -> None:
    assert read_licence(f"{HEAD}{fields}\nLicense-Expression: not a header\n") == ("some-thing-x==1.2", licence)


def test_the_copyleft_of_ansible_is_known() -> None:
    lock = read_lock("provision", REPOSITORY / "uv.lock", REPOSITORY)
    licences = {package.name: package.licence for package in lock.packages}
    assert licences["ansible-core"] == "GPL-3.0-or-later"
    assert licences["pydantic"] == "MIT"


def test_another_version_than_the_one_that_was_read_stays_unknown() -> None:
    version = next(key.partition("==")[2] for key in known_licences() if key.startswith("pydantic=="))
    assert f"pydantic=={version}.post9" not in known_licences()
