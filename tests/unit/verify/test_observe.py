"""What a probe prints is read strictly, and an error names the machine and the field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provision.errors import SetupError
from provision.verify.observe import parse_observation

DOCUMENT = Path(__file__).resolve().parents[2] / "fixtures" / "sme-2x4090-lab" / "gateway.json"


def test_reads_text_and_decoded_json() -> None:
    text = DOCUMENT.read_text()
    assert parse_observation("gateway", text) == parse_observation("gateway", json.loads(text))


@pytest.mark.parametrize(
    ("stdout", "words"),
    [
        ("", "printed nothing"),
        (" \n", "printed nothing"),
        ("Traceback (most recent call last)", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"format": 2, "taken_at": "2026-11-22T03:40:00Z", "duration_s": 1.0}', "format"),
        ('{"format": 1, "taken_at": "2026-11-22T03:40:00Z", "duration_s": "1"}', "duration_s"),
        ('{"format": 1, "taken_at": "2026-11-22T03:40:00Z", "duration_s": 1.0, "more": 1}', "more"),
    ],
)
def test_anything_else_is_refused_with_its_place(stdout: str, words: str) -> None:
    with pytest.raises(SetupError) as caught:
        parse_observation("gateway", stdout)
    assert words in caught.value.what
    assert "machine gateway" in caught.value.where
    assert "provision" in caught.value.hint


def test_a_long_answer_is_shown_shortened() -> None:
    with pytest.raises(SetupError) as caught:
        parse_observation("gateway", "x" * 100_000)
    assert len(str(caught.value)) < 600
