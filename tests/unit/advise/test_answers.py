"""The answers file: its schema, and every fault at once with its line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.advise import parse_answers, read_answers
from provision.advise.describe import EXAMPLES
from provision.advise.schema import answers_schema
from provision.errors import ErrorGroup, ProvisionError

ROOT = Path(__file__).resolve().parents[3]
LAW_FIRM = (EXAMPLES / "law-firm.yml").read_text(encoding="utf-8")


def complaints(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(ErrorGroup) as caught:
        parse_answers(text, "a.yml")
    assert caught.value.exit_code == 3
    return [(error.what, error.where, error.hint) for error in caught.value.errors]


def test_the_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "docs" / "advise.schema.json").read_text(encoding="utf-8"))
    assert committed == answers_schema(), "run: python -m provision.advise.schema > docs/advise.schema.json"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yml")), ids=lambda path: path.stem)
def test_the_examples_are_in_order_by_schema_and_by_reader(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(answers_schema())
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), answers_schema())
    assert read_answers(path).use_cases


def test_all_faults_come_at_once_each_with_its_line() -> None:
    text = (
        "people: -3\noperations: in_huose\nsite: either\ncustomers_ask: yes\non_premises_required: 1\npilot: not_run\n"
        "teams: 4\nuse_cases:\n  - {name: a, workload: contracts, data: [secret]}\n"
        "  - {name: A b, workload: code, data: []}\n"
    )
    found = complaints(text)
    places = {where: what for what, where, _ in found}
    assert "people is -3" in places["a.yml, line 1"]
    assert "operations is 'in_huose'" in places["a.yml, line 2"]
    assert "customers_ask is 'yes', which is neither true nor false" in places["a.yml, line 4"]
    assert "on_premises_required is 1" in places["a.yml, line 5"]
    assert "teams is not a known key" in places["a.yml, line 7"]
    whats = " | ".join(what for what, _, _ in found)
    for words in ("use_cases[0].workload is 'contracts'", "use_cases[0].data[0] is 'secret'", "use_cases[1].name"):
        assert words in whats
    assert "use_cases[1].data is a list, which has too few items" in whats
    assert all(hint for _, _, hint in found)
    assert ("did you mean 'in_house'?") in [hint for _, _, hint in found]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("use_cases:", "use_cases: []\nrest:", "use_cases is a list, which has too few items"),
        ("people: 15", "people: 0", "people is 0"),
        ("people: 15", "people: 15.5", "people is 15.5"),
        ("people: 15", "people: true", "people is true"),
        ("people: 15", "people: 15\nat_once: 16", "at_once is 16, more than the 15 people"),
        ("cloud_dkk_per_month: 3225", "cloud_dkk_per_month: -1", "cloud_dkk_per_month is -1"),
        ("site: on_premises", "site: rented", "site is 'rented', while on_premises_required is true"),
        ("pilot: not_run", "pilot: not_run\neu_processor: [public]", "which may go to the EU anyway"),
        ("name: strategy", "name: client-notes", "use_cases[3].name is 'client-notes', which is there twice"),
        ("version: 1", "version: 2", "version is 2"),
        ("people: 15\n", "", "people is missing"),
        ("people: 15", "people: 15\npeople: 15", "the key 'people' is written twice"),
    ],
)
def test_a_fault_is_told(old: str, new: str, words: str) -> None:
    text = LAW_FIRM.replace("on_premises_required: false", "on_premises_required: true")
    assert old in text
    assert any(words in what for what, _, _ in complaints(text.replace(old, new, 1)))


@pytest.mark.parametrize("text", ["", "- a\n", "[", "people: &a 3\n", "\x00", "people: !!python/name:os.system 3"])
def test_what_is_no_such_file(text: str) -> None:
    assert complaints(text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ErrorGroup) as caught:
        read_answers(tmp_path / "none.yml")
    assert "cannot be read" in str(caught.value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(yaml.safe_load(LAW_FIRM))), JUNK)
def test_whatever_stands_there_only_told_faults_come_out(key: str, junk: object) -> None:
    text = yaml.safe_dump(yaml.safe_load(LAW_FIRM) | {key: junk}, allow_unicode=True)
    told: tuple[ProvisionError, ...] = ()
    try:
        parse_answers(text, "a.yml")
    except ErrorGroup as group:
        told = group.errors
    assert all(error.what and error.where and error.hint for error in told)
