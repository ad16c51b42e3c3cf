"""Undoing what hides a text."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision_layer.detect.normalise import fold, variants
from decision_layer.detect.scan import _lower


@given(st.text())
def test_plain_ascii_is_left_alone_and_folding_twice_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    if text.isascii() and not any((c < " " and c != "\n") or c == "\x7f" for c in text):
        assert once == text


@given(st.text())
def test_lower_case_keeps_the_length(text: str) -> None:
    assert len(_lower(text)) == len(text)


@given(st.text())
def test_the_folded_text_is_always_the_first_variant(text: str) -> None:
    assert next(iter(variants(text))) == fold(text)


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        ("\uff11\uff12\uff13", "123"),
        ("\u0661\u0662\u0663", "123"),
        ("\u0967\u0968", "12"),
        ("Kre\u00adbs", "Krebs"),
        ("c\u200ba\u200cn\u200dc\u2060e\ufeffr", "cancer"),
        ("12\u201334\u221256", "12-34-56"),
        ("a\u00a0b\u202fc", "a b c"),
        ("\U0001d5a2\U0001d5af\U0001d5b1", "CPR"),
    ],
)
def test_folding(hidden: str, plain: str) -> None:
    assert fold(hidden) == plain


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        ("%44E%38%39", "DE89"),
        ("&#68;&#x45;&amp;", "DE&"),
        (r"\u0044\x45", "DE"),
        (base64.b64encode(b"er ist seit der Chemo krank").decode(), "er ist seit der Chemo krank"),
        ("k r e b s k r a n k", "krebskrank"),
        ("c\u0430nc\u0435r", "cancer"),
        ("HIV-p\u03bfsitiv", "HIV-positiv"),
    ],
)
def test_decoding(hidden: str, plain: str) -> None:
    assert plain in list(variants(hidden))


def test_bytes_and_words_are_not_taken_for_base64() -> None:
    assert len(list(variants("antidisestablishmentarianism"))) == 1
    assert len(list(variants(base64.b64encode(bytes(range(256))).decode()))) == 1
