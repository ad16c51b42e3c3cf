"""What is searched as bytes, or only where it can be, finds what the plain patterns find."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from decision_layer.detect import blobs, digits, letters, lexicon, normalise
from decision_layer.detect.checksums import de_document
from decision_layer.detect.hits import Hits

# Letters, digits and marks of the shapes that detectors look for, then whatever Unicode has.
MARKS = "\xa0\xad\xb2\xb4\xb7\u201c\u2019\u2013\u20ac\u2026\uff11\u0410\u03b1\u0300\u200b"
NEAR = st.text(st.sampled_from("aAfFlLzZ0179 .-_/@?!;\n\t\r\x1fßæø" + MARKS), max_size=80)
TEXT = NEAR | st.text(max_size=60)
DOCUMENTS = st.text(st.sampled_from("CFLZXab01479 .-\n"), max_size=60)


@given(TEXT)
@example("\u201ca\u201d \u2013")
def test_folding_is_skipped_only_where_it_changes_nothing(text: str) -> None:
    assert normalise.fold(text) == (
        text.translate(normalise._ASCII_PLAIN) if text.isascii() else normalise._fold_each(text)
    )


@given(TEXT)
@example("1-2 3")
def test_runs_of_digits_are_those_of_the_pattern(text: str) -> None:
    folded = normalise.fold(text)
    found = [match.span() for match in digits.clusters(folded)]
    assert found == [match.span() for match in digits.CLUSTER.finditer(folded)]


@given(TEXT)
@example("x a b c d e f")
@example("x" * blobs.BLOB_MIN)
@example("é" * blobs.BLOB_MIN)
def test_what_stands_apart_or_is_long_is_not_overlooked(text: str) -> None:
    folded = normalise.fold(text)
    if normalise._SPACED_OUT.search(folded):
        assert normalise._SPACED_INSIDE in folded.encode("latin-1", "replace").translate(normalise._LETTERS)
    if blobs._RUN.search(folded):
        assert blobs._SHORTEST in folded.encode("latin-1", "replace").translate(blobs._ALPHABET)


@given(DOCUMENTS)
@example("L01X00T47")
@example("L01X00T471D, CFGHJKLM1 C12 CFGHJKLMN")
def test_documents_are_those_of_the_pattern(text: str) -> None:
    text, hits = f"passport {text}", Hits()
    for match in digits.clusters(text):
        start = match.start()
        if text[start - 1] in letters.DOCUMENT_LETTERS:
            letters.scan_document(text, text.lower(), start, hits)
    numbers = {match[0][:10] for match in letters._DOCUMENT.finditer(text)}
    assert hits._values["de.document"] == {
        number for number in numbers if re.search(r"\d", number) and (len(number) < 10 or de_document(number))
    }


@given(TEXT)
def test_sentences_end_where_the_plain_pattern_ends_them(text: str) -> None:
    plain = re.compile(r"[.!?;](?=\s)|\n")
    assert [m.span() for m in lexicon._BREAK.finditer(text)] == [m.span() for m in plain.finditer(text)]


@given(NEAR)
@example("dr. x")
@example("asprof. x")
def test_a_title_is_looked_for_only_behind_short_words(text: str) -> None:
    lower = text.lower()
    for at in (n for n, c in enumerate(lower) if c == "."):
        assert lexicon._abbreviated(lower, at) is (lexicon._TITLES.search(lower, max(0, at - 6), at) is not None)
