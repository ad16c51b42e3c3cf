"""Runs the probe as a target does: its own process, its own Python path, systemd's programs replaced by recordings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from provision.models.observation import MachineObservation, parse_observation

FILES = Path(__file__).resolve().parents[3] / "roles/probe/files"
BIN = Path(__file__).with_name("bin")
Probe = Callable[..., MachineObservation]


def run_probe(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-B", str(FILES / "provision_probe.py"), *arguments],
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    """Observe with a config (None: a file that is not there); the answer has passed the contract."""

    def observe(config: Any, **environment: str) -> MachineObservation:
        path = tmp_path / "config.json"
        if config is not None:
            path.write_text(config if isinstance(config, str) else json.dumps(config))
        return parse_observation(run_probe("--config", str(path), **environment))

    return observe


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """One module of the probe, imported here."""
    monkeypatch.syspath_prepend(str(FILES))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return lambda name: import_module(f"probe_parts.{name}")
