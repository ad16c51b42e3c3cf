"""What is said while a release is built."""

from __future__ import annotations

import pytest

from provision.lab.builder import _last_words


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "no output yet"),
        ("WARNING: Location 'x' is ignored\n", "no output yet"),
        ("[3/9] Building a\n\nWARNING: Location 'x' is ignored\n", "[3/9] Building a"),
        ("one\ntwo " + "x" * 200, "two " + "x" * 96),
    ],
)
def test_the_last_words_are_of_the_work(log: str, words: str) -> None:
    assert _last_words(log) == words
