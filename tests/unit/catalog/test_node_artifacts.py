"""What is shipped is pinned with a source; a lock.json over it may fill and replace, and cannot tamper."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from provision.catalog import node_artifacts
from provision.catalog.node_artifacts import artifact, load_artifacts, require_resolved
from provision.errors import SetupError, UsageError
from provision.models.artifact import Checksum, NodeArtifact
from provision.preflight.driver_table import does_build
from tests.unit.pipeline.upstream import CONTENT, NEWER, write_shipped

BASE = "http://127.0.0.1:9"
PROXMOX_KERNELS = ("6.17.2-1-pve", "7.0")
"""Proxmox VE 9.1 and 9.2 (docs/driver-kernels.md)."""


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "node-artifacts.yml"
    monkeypatch.setattr(node_artifacts, "SHIPPED", (path,))
    return path


def write_overlay(tmp_path: Path, **changes: Any) -> Path:
    """An overlay with the shipped driver and `changes` to it."""
    entry = load_artifacts(None)["driver"].model_dump(mode="json") | changes
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({changes.get("key", "driver"): {k: v for k, v in entry.items() if k != "key"}}))
    return path


def pinned_to(content: bytes) -> dict[str, Any]:
    return {
        "checksum": {"algorithm": "sha256", "hex": hashlib.sha256(content).hexdigest()},
        "sources": ["upstream"],
        "status": "resolved",
    }


def newer() -> dict[str, Any]:
    url = f"{BASE}/2.0/driver-2.0.run"
    return {"version": "2.0", "file": "driver-2.0.run", "url": url} | pinned_to(NEWER)


def test_everything_shipped_is_exact_and_says_who_published_its_checksum() -> None:
    shipped = load_artifacts(None)
    assert {"nvidia-driver", "debian-12-standard", "debian-12-genericcloud", "llama3.3-70b-q4_k_m.gguf"} <= set(shipped)
    for entry in shipped.values():
        assert "latest" not in entry.url
        if entry.status == "resolved":
            require_resolved(entry)
            named = any(" at " in source for source in entry.sources)
            agreed = len(entry.sources) >= 2 and re.fullmatch("[0-9a-f]{40}", entry.version)
            assert named or agreed, "a source names repository, path and commit, or several agree on one revision"


def test_the_pinned_driver_builds_for_the_kernels_of_proxmox_ve_9() -> None:
    version = artifact("nvidia-driver", None).version
    assert [does_build(version, kernel).builds for kernel in PROXMOX_KERNELS] == [True, True]


def test_an_sri_source_is_the_same_value_as_the_pin() -> None:
    driver = artifact("nvidia-driver", None)
    (sri,) = [word for source in driver.sources for word in source.split() if word.startswith("sha256-")]
    assert b64decode(sri.rstrip(",").removeprefix("sha256-")).hex() == driver.checksum.hex


@pytest.mark.parametrize(
    ("algorithm", "digest"), [("sha256", "ab"), ("sha256", "a" * 128), ("sha512", "a" * 64), ("sha256", "A" * 64)]
)
def test_a_digest_has_its_algorithms_length(algorithm: str, digest: str) -> None:
    with pytest.raises(ValidationError, match="hexadecimal digits"):
        Checksum.model_validate({"algorithm": algorithm, "hex": digest})


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "unresolved"},
        {"sources": []},
        {"checksum": {"algorithm": "sha256", "hex": None}},
        {"checksum": {"algorithm": "sha256", "hex": None}, "status": "unresolved"},
        {"version": "latest"},
        {"file": "other.run"},
        {"extra": 1},
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    entry = artifact("nvidia-driver", None).model_dump(mode="json")
    NodeArtifact.model_validate(entry)
    with pytest.raises(ValidationError):
        NodeArtifact.model_validate(entry | changes)


def test_unknown_names_are_told_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        artifact("nvidia", None)
    assert "nvidia-driver" in caught.value.hint


def test_unresolved_is_refused_with_the_command_that_mends_it(shipped: Path) -> None:
    write_shipped(shipped, BASE)
    with pytest.raises(SetupError) as caught:
        require_resolved(artifact("driver", None))
    assert caught.value.hint == "run provision lock --update"


def test_the_overlay_fills_what_is_unresolved(shipped: Path, tmp_path: Path) -> None:
    write_shipped(shipped, BASE)
    overlay = write_overlay(tmp_path, **pinned_to(CONTENT), size_bytes=len(CONTENT))
    known = load_artifacts(overlay)
    assert list(known) == ["driver", "template"]
    assert known["driver"].size_bytes == len(CONTENT)
    assert known["template"].status == "unresolved"
    assert load_artifacts(tmp_path / "missing.json")["driver"].status == "unresolved"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (pinned_to(NEWER), "checksum that is shipped for 1.0"),
        ({"url": "http://evil.example/1.0/driver-1.0.run"}, "changes url"),
        ({"licence": "mine"}, "changes licence"),
        ({"resolve": {"url": "http://evil.example/sums", "format": "sums"}}, "changes resolve"),
        ({"key": "other", "name": "other"}, "no pinned file"),
        ({"key": "template"}, "no pinned file"),
        (newer() | {"replaces": "0.9"}, "1.0 is shipped by now"),
        (
            {"checksum": {"algorithm": "sha256", "hex": None}, "sources": [], "status": "unresolved"},
            "checksum that is shipped",
        ),
    ],
)
def test_a_tampered_overlay_is_refused(changes: dict[str, Any], words: str, shipped: Path, tmp_path: Path) -> None:
    write_shipped(shipped, BASE, pinned=CONTENT)
    overlay = write_overlay(tmp_path, **changes)
    with pytest.raises(SetupError) as caught:
        load_artifacts(overlay)
    assert words in caught.value.what
    assert caught.value.where == str(overlay)
    assert "remove" in caught.value.hint


def test_another_algorithm_cannot_stand_for_a_shipped_one(shipped: Path, tmp_path: Path) -> None:
    write_shipped(shipped, BASE)
    digest = hashlib.sha512(NEWER).hexdigest()
    overlay = write_overlay(tmp_path, **pinned_to(NEWER) | {"checksum": {"algorithm": "sha512", "hex": digest}})
    with pytest.raises(SetupError, match="checksum that is shipped"):
        load_artifacts(overlay)


def test_another_version_replaces_the_one_it_names(shipped: Path, tmp_path: Path) -> None:
    write_shipped(shipped, BASE, pinned=CONTENT)
    known = load_artifacts(write_overlay(tmp_path, **newer(), replaces="1.0"))
    assert known["driver"].version == "2.0"
    assert type(known["driver"]) is NodeArtifact


def test_what_was_learnt_of_an_older_version_does_not_hold_back_a_newer_provision(
    shipped: Path, tmp_path: Path
) -> None:
    write_shipped(shipped, BASE, pinned=CONTENT)
    overlay = write_overlay(tmp_path, size_bytes=1)
    write_shipped(shipped, BASE, version="3.0", pinned=NEWER)
    assert load_artifacts(overlay)["driver"].version == "3.0"


@pytest.mark.parametrize("content", ["{", "[]", '{"driver": 1}', '{"driver": {"name": "driver"}}', "\x00", ""])
def test_a_broken_overlay_is_explained(content: str, shipped: Path, tmp_path: Path) -> None:
    write_shipped(shipped, BASE)
    overlay = tmp_path / "lock.json"
    overlay.write_text(content)
    with pytest.raises(SetupError, match="cannot be read") as caught:
        load_artifacts(overlay)
    assert "remove the file" in caught.value.hint


def test_a_shipped_entry_is_named_by_its_key(shipped: Path) -> None:
    write_shipped(shipped, BASE)
    shipped.write_text(shipped.read_text().replace("name: driver", "name: chauffeur"))
    with pytest.raises(SetupError, match="chauffeur"):
        load_artifacts(None)
