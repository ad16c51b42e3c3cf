"""The whole document: one shape with the models, and no input that makes the probe raise or end in error."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from provision.models.observation import parse_observation

if TYPE_CHECKING:
    from tests.unit.probe.conftest import Probe

FILES = Path(__file__).resolve().parents[3] / "roles/probe/files"
SOURCES = sorted(FILES.rglob("*.py"))
EVERYTHING = {
    "machine": True,
    "memory": True,
    "listeners": True,
    "releases": True,
    "gpu": True,
    "units": ["llama-cpp@chat.service", "ssh.service", "nope.service"],
    "engines": [{"name": "chat", "url": "http://127.0.0.1:1", "unit": "llama-cpp@chat.service"}],
    "http": [{"name": "chat", "url": "http://127.0.0.1:1/health"}],
    "vram_before": [{"engine": "chat", "path": "/nonexistent"}],
    "egress": [{"user": "nobody", "host": "127.0.0.1", "port": 1}],
    "disk": ["/", "/nonexistent"],
    "prometheus": [{"url": "http://127.0.0.1:1"}],
}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_source_is_of_python_39(source: Path) -> None:
    """Grammar only; what a newer standard library added would still pass."""
    ast.parse(source.read_text(), feature_version=(3, 9))
    assert "from __future__ import annotations" in source.read_text() or source.name == "__init__.py"


def test_everything_at_once_fits_the_contract(probe: Probe) -> None:
    seen = probe(EVERYTHING)
    assert seen.error is None
    assert seen.duration_s > 0
    for section in (
        "machine",
        "gpu",
        "units",
        "listeners",
        "releases",
        "engines",
        "http",
        "vram_before",
        "egress",
        "disk",
        "prometheus",
        "memory",
    ):
        assert getattr(seen, section) is not None, section


def test_what_is_not_asked_for_is_not_there(probe: Probe) -> None:
    seen = probe({})
    assert seen.error is None
    assert seen.model_dump(exclude={"format", "taken_at", "duration_s"}, exclude_none=True) == {}


def test_the_machine_tells_its_own_facts(probe: Probe) -> None:
    seen = probe(EVERYTHING)
    assert seen.machine is not None
    assert seen.machine.kernel == os.uname().release
    assert seen.machine.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert seen.memory is not None
    assert seen.memory.total_mib == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    assert seen.disk is not None
    assert (seen.disk[0].total_mib or 0) > 0
    assert seen.disk[1].total_mib is None
    assert "No such file" in (seen.disk[1].error or "")


@pytest.mark.parametrize("config", ["", "{", "[]", "null", '"x"', "\x00"])
def test_a_config_that_is_none_is_told(probe: Probe, config: str) -> None:
    seen = probe(config)
    assert seen.error is not None
    assert "config.json" in seen.error


MALFORMED: dict[str, list[Any]] = {
    "engines": [[{}], 5],
    "http": [["x"]],
    "egress": [[{"user": 1}]],
    "units": [[1], 7],
    "disk": [[{}]],
    "vram_before": [[[]]],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in MALFORMED.items() for value in values])
def test_a_malformed_section_costs_only_itself(probe: Probe, key: str, value: Any) -> None:
    seen = probe({"machine": True, "memory": True, key: value})
    assert seen.machine is not None
    assert seen.memory is not None
    assert key in (seen.error or "") or (key == "units" and seen.units is not None and seen.units[0].error)


def test_a_missing_config_is_told(probe: Probe) -> None:
    assert "No such file" in (probe(None).error or "")


@pytest.mark.parametrize(
    "change", [{"format": 2}, {"surprise": 1}, {"duration_s": "1"}, {"machine": {"uptime_s": "long"}}, {"units": {}}]
)
def test_the_contract_refuses_another_shape(change: dict[str, Any]) -> None:
    good = {"format": 1, "taken_at": "2026-11-22T03:45:21.924+00:00", "duration_s": 1.0}
    assert parse_observation(good) == parse_observation(json.dumps(good))
    with pytest.raises(ValidationError):
        parse_observation({**good, **change})
