"""The JSON Schema for editors agrees with the loader and with the committed file."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from provision.profile import list_profiles, render_client_file
from provision.profile.known import find_builtin
from provision.profile.schema import profile_schema
from provision.profile.wording import PATTERNS
from tests.unit.bad_profiles.texts import COMPLETE, extend, in_model, replace, with_machines

ROOT = Path(__file__).parents[3]


def faults(text: str) -> list[str]:
    schema = profile_schema()
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(yaml.safe_load(text))]


def test_the_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "docs" / "profile.schema.json").read_text(encoding="utf-8"))
    assert committed == profile_schema(), "run: python -m provision.profile.schema > docs/profile.schema.json"


@pytest.mark.parametrize("name", [summary.name for summary in list_profiles()])
def test_built_in_profiles_are_valid(name: str) -> None:
    assert faults(find_builtin(name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        COMPLETE,
        extend("hardware: {memory: 24GiB}"),
        with_machines("data: {memory: 8GiB}"),
        in_model("context: 4096 tokens"),
        render_client_file("acme", "cpu-small", IPv4Network("10.42.1.0/24"), "acme.example"),
    ],
)
def test_good_files_are_valid(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "name: rig\n",
        replace("    cores: 16\n", ""),
        extend("hardware: {memory: 24}"),
        extend("hardware: {memroy: 24GiB}"),
        extend("hardware: {gpus: {0: {vram: 24BG}}}"),
        with_machines("data: {memory: 8}"),
        extend("machines: [{name: data}]"),
        extend("platform: {kind: vmware}"),
        "extends: nothing\n",
    ],
)
def test_bad_files_are_not(text: str) -> None:
    assert faults(text)


def test_every_pattern_has_words_of_its_own() -> None:
    """A user must not read a regular expression."""
    used = {pattern for pattern in _list_patterns(profile_schema()["$defs"]) if "\\s" not in pattern}
    assert used == set(PATTERNS)
    assert all(re.compile(pattern) for pattern in used)


def _list_patterns(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["pattern"]] if isinstance(value.get("pattern"), str) else []
        return own + [pattern for child in value.values() for pattern in _list_patterns(child)]
    return [pattern for child in value for pattern in _list_patterns(child)] if isinstance(value, list) else []
