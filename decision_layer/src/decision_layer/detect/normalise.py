"""Undo what hides a text from a detector: full-width forms, invisible characters, percent and HTML escapes, base64."""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

# Zero width, joiners, direction marks, soft hyphen, variation selectors, BOM, Hangul fillers, tag characters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]"
)
_DASHES = {ord(c): "-" for c in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d"}
_DOTS = {ord(c): "." for c in "\u00b7\u2022\u2024\u2027\u30fb\uff0e\u2219"}
_SPACES = dict.fromkeys((9, 11, 12, 31), " ")
_TABLE = {**_DASHES, **_DOTS, **_SPACES, ord("\u2028"): "\n", ord("\u2029"): "\n", ord("\r"): "\n"}
_LIKE_ASCII = re.compile("[" + re.escape("".join(map(chr, _TABLE))) + "]")
_ASCII_SPACES = str.maketrans({"\t": " ", "\v": " ", "\f": " ", "\x1f": " ", "\r": "\n"})
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
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
BLOB_MIN = 24
_BLOB = re.compile(rf"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{{{BLOB_MIN},}}={{0,2}}")
_RUNS = bytes(97 if (c := chr(n)).isascii() and (c.isalnum() or c in "+/_-") else 32 for n in range(256))
_RUN = b"a" * BLOB_MIN


def fold(text: str) -> str:
    """NFKC, no invisible characters, one kind of dash, dot and space, decimal digits of every script as 0 to 9."""
    if text.isascii():
        return text.translate(_ASCII_SPACES) if any(c in text for c in "\t\v\f\x1f\r") else text
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
    """The folded text first, then every decoding of it that says something else. Each is decoded once, not again."""
    folded = fold(text)
    yield folded
    decoded = _unescape(folded)
    if decoded != folded:
        yield fold(decoded)
    if not folded.isascii() and _BEYOND_LATIN.search(folded) and _MIXED.search(folded):
        yield folded.translate(_TO_LATIN)
    blobs = "\n".join(_blobs(folded))
    if blobs:
        yield fold(blobs)
    if _SPACED_INSIDE in folded.encode("latin-1", "replace").translate(_LETTERS):
        spaced = [m[0].replace(" ", "") for m in _SPACED_OUT.finditer(folded)]
        if spaced:
            yield "\n".join(spaced)


def _unescape(text: str) -> str:
    if "%" in text and _PERCENT.search(text):
        text = unquote(text, errors="replace")
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    if "\\" in text and _ESCAPE.search(text):
        text = _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text)
    return text


def _blobs(text: str) -> Iterator[str]:
    if _RUN not in text.encode("latin-1", "replace").translate(_RUNS):
        return
    long = [word for word in text.split() if len(word) >= BLOB_MIN]  # none has a space
    for match in _BLOB.finditer("\n".join(long)):
        blob = match[0].rstrip("=")
        if blob.isalpha() and (blob.islower() or blob.isupper()):
            continue
        try:
            raw = base64.b64decode(blob.translate(_URL_SAFE) + "=" * (-len(blob) % 4), validate=True)
            decoded = raw.decode("utf-8")
        except (binascii.Error, ValueError):
            continue
        if sum(c.isprintable() or c in "\n\t\r" for c in decoded) == len(decoded):
            yield decoded


_URL_SAFE = str.maketrans("-_", "+/")
