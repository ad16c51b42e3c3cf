"""The program that the role scratch puts on a host, as a module."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[3] / "roles/scratch/files/provision_scratch.py"


def load_program() -> Any:
    spec = importlib.util.spec_from_file_location("provision_scratch", PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["provision_scratch"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
