"""Undo what hides a text from a detector: full-width forms, invisible characters, percent and HTML escapes, base64."""

from __future__ import annotations

import contextlib
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from decision_layer.detect.blobs import decoded

# Control characters, zero width, joiners, direction marks, soft hyphen, variation selectors, BOM, Hangul fillers, marks
# of annotation, shorthand and music, the place of an object, tags.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DASHES = {ord(c): "-" for c in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d"}
_DOTS = {ord(c): "." for c in "\u00b7\u2022\u2024\u2027\u30fb\uff0e\u2219"}
_SPACES = dict.fromkeys((9, 11, 12, 28, 29, 30, 31, 0x2800), " ")
_LINES = dict.fromkeys((13, 0x85, 0x2028, 0x2029), "\n")
# What is left of them once letters and their accents are one: lines through and under a text, keycaps.
_MARKS = {n: "" for first, last in ((0x300, 0x36F), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)) for n in range(first, last + 1)}
# Digits and numbers in circles that NFKC leaves as they are.
_CIRCLED = {
    n: str(int(unicodedata.numeric(chr(n)))) for n in (*range(0x24EB, 0x2500), *range(0x2776, 0x2794), 0x1F10B, 0x1F10C)
}
_TABLE = {**_DASHES, **_DOTS, **_SPACES, **_LINES, **_MARKS, **_CIRCLED}
_LIKE_ASCII = re.compile("[" + re.escape("".join(map(chr, _TABLE))) + "]")
_CONTROLS = bytes(n for n in range(128) if (n < 32 and n != 10) or n == 127)
_ASCII_PLAIN = {n: " " if n in _SPACES else "\n" if n == 13 else None for n in _CONTROLS}
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31};)")
# In JSON, programs and RTF; the last in octal.
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|'([0-9A-Fa-f]{2})|([0-3][0-7]{2}))"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Quoted-printable: a line that goes on, two escapes in a row, or one beyond ASCII; "=20" alone may be anything.
_QUOTED = re.compile(r"=\n|=[0-9A-F]{2}=[0-9A-F]{2}|=[89A-F][0-9A-F]")
_QUOTED_RUN = re.compile(r"(?:=[0-9A-F]{2})+|=\n{1,2}")
_LAYERS = 3
_SPACED_OUT = re.compile(r"(?<![^\W_])(?:[^\W_] ){5,}[^\W_](?![^\W_])")
# The text in Latin-1 with a letter for each kind of character: bytes are searched ten times faster than by a pattern.
_LETTERS = bytes(97 if (c := chr(n)).isalnum() or c == "?" else 32 if c == " " else 0 for n in range(256))  # ?: beyond
_SPACED_INSIDE = b" a a a a "  # stands in each text that _SPACED_OUT finds
# Cyrillic, then Greek letters that look like Latin ones.
_LOOKALIKE = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u0410\u0412"
    "\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405"
    "\u03bf\u03b1\u03c5\u03b9\u03bd\u03c1\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d"
    "\u039f\u03a1\u03a4\u03a5\u03a7"
)
_LATIN = "aeopcyxijsdhlABEKMHOPCTXYIJSoauivpABEZHIKMNOPTYX"
_TO_LATIN = str.maketrans(_LOOKALIKE, _LATIN)
_MIXED = re.compile(rf"[A-Za-z][{_LOOKALIKE}]|[{_LOOKALIKE}][A-Za-z]")
# Outside Latin, its marks and punctuation: where foreign digits and look-alike letters are. One range is found faster.
_BEYOND_LATIN = re.compile("[\u0370-\u1fff\u2460-\U0010ffff]")


def fold(text: str) -> str:
    """NFKC, no invisible characters, one kind of dash, dot and space, decimal digits of every script as 0 to 9."""
    if text.isascii():
        plain = text.encode().translate(None, _CONTROLS)
        return text if len(plain) == len(text) else text.translate(_ASCII_PLAIN)
    for codec, kept in _KEPT.items():
        with contextlib.suppress(UnicodeEncodeError):
            return _fold_each(text) if text.encode(codec).translate(None, kept) else text
    return _fold_each(text)


def _fold_each(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    folded = _LIKE_ASCII.sub(lambda m: _TABLE[ord(m[0])], folded)
    if _BEYOND_LATIN.search(folded) is None:
        return folded
    return _FOREIGN_DIGIT.sub(lambda m: str(unicodedata.decimal(m[0])), folded)


def _unchanged(codec: str) -> bytes:
    """The bytes whose characters folding leaves as they are. No character of these codecs joins with another one."""
    single = (bytes((n,)) for n in range(256))
    return b"".join(one for one in single if (c := one.decode(codec, "ignore")) and _fold_each(c) == c)


_KEPT = {codec: _unchanged(codec) for codec in ("latin-1", "cp1252")}  # cp1252 has the quotation marks, but is slower


def variants(text: str) -> Iterator[str]:
    """The folded text first, then every decoding of it that says something else, of at most three layers."""
    folded = fold(text)
    yield folded
    yield from _layers(folded, _LAYERS)
    if not folded.isascii() and _BEYOND_LATIN.search(folded) and _MIXED.search(folded):
        yield folded.translate(_TO_LATIN)
    if _SPACED_INSIDE in folded.encode("latin-1", "replace").translate(_LETTERS):
        spaced = [m[0].replace(" ", "") for m in _SPACED_OUT.finditer(folded)]
        if spaced:
            yield "\n".join(spaced)


def _layers(text: str, left: int) -> Iterator[str]:
    for inner in (_unescape(text), "\n".join(decoded(text))):
        if inner and inner != text:
            inner = fold(inner)
            yield inner
            if left > 1:
                yield from _layers(inner, left - 1)


def _unescape(text: str) -> str:
    if "=" in text and _QUOTED.search(text):
        text = _QUOTED_RUN.sub(_unquoted, text)
    if "%" in text and _PERCENT.search(text):
        text = unquote(text, errors="replace")
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    if "\\" in text and _ESCAPE.search(text):
        text = _ESCAPE.sub(_character, text)
        if _SURROGATE.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _unquoted(match: re.Match[str]) -> str:
    if match[0].startswith("=\n"):
        return ""
    raw = bytes.fromhex(match[0].replace("=", ""))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _character(match: re.Match[str]) -> str:
    number = int(match[6], 8) if match[6] else int(next(filter(None, match.groups())), 16)
    return chr(number) if number < 0x110000 else match[0]
