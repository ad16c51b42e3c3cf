"""Long words that are an encoding: base64, base32 or hexadecimal. The texts in them, and whether they are none."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

BLOB_MIN = 24  # characters; what is shorter hides no identifier
OPAQUE_MIN = 256  # keys and hashes are shorter
_WRAPPED = 40  # a line of an encoding that goes on in the next one; MIME has 76, PEM 64
_LAYERS = 4
_FEW = 8  # different characters: rules, forms to fill in, sequences of bases
_HASHES = (40, 56, 64, 96, 128)  # hexadecimal digits of SHA-1 and SHA-2: a list of them is no file

_CHARS = "A-Za-z0-9+/_-"
_RUN = re.compile(rf"(?<![{_CHARS}])[{_CHARS}]{{{BLOB_MIN},}}={{0,2}}")
_LINE = re.compile(rf"[{_CHARS}]+={{0,2}}")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_BASE32 = re.compile(r"[A-Z2-7]+")
_URL_SAFE = str.maketrans("-_", "+/")
# The text in Latin-1 with one letter for the alphabet: bytes are searched ten times faster than by a pattern.
_ALPHABET = bytes(97 if (c := chr(n)).isascii() and (c.isalnum() or c in "+/_-") else 32 for n in range(256))
_SHORTEST = b"a" * BLOB_MIN
# How base64 of gzip, ZIP, PDF, PNG, JPEG, GIF, bzip2, xz and zstd begins, after the first bytes of these formats.
_MAGIC = ("H4sIA", "UEsDB", "JVBERi", "iVBORw0KGgo", "/9j/", "R0lGODlh", "R0lGODdh", "QlpoOT", "/Td6WFoA", "KLUv/")
# Bytes of a text in Windows-1252 or Latin-1: no control characters but tab and line ends.
_WRITTEN = bytes(n for n in range(256) if n in (9, 10, 13) or 32 <= n < 127 or n >= 130)
_ASCII = bytes(range(128))


def decoded(text: str) -> Iterator[str]:
    """The texts in the long words of `text`."""
    for lines in _groups(text):
        yield from _texts_of(lines)[0]


def unreadable(text: str, layer: int = 0) -> bool:
    """Whether a long word of `text`, or a shorter one with the first bytes of a usual format, holds what is no text."""
    for lines in _groups(text):
        whole = "".join(lines)
        if len(whole) < OPAQUE_MIN and not whole.startswith(_MAGIC):
            continue
        if _is_word(whole) or len(set(whole)) < _FEW or _is_list_of_hashes(lines):
            continue
        texts, complete = _texts_of(lines)
        if not complete or layer == _LAYERS or any(_is_binary(said) or unreadable(said, layer + 1) for said in texts):
            return True
    return False


def _groups(text: str) -> Iterator[list[str]]:
    """Runs of the alphabet, each as its lines: several where it goes on in lines of one length and a shorter last."""
    if _SHORTEST not in text.encode("latin-1", "replace").translate(_ALPHABET):
        return
    lines: list[str] = []
    for word in text.replace("\\/", "/").replace("\\r", "").replace("\\n", " ").split():  # escaped, as in JSON
        if lines and len(word) <= len(lines[1] if len(lines) > 1 else word) and _LINE.fullmatch(word):
            lines.append(word)
            if len(word) < len(lines[-2]) or word.endswith("="):
                yield lines
                lines = []
            continue
        if lines:
            yield lines
            lines = []
        runs = _RUN.findall(word) if len(word) >= BLOB_MIN else []
        if runs and len(runs[-1]) >= _WRAPPED and word.endswith(runs[-1]) and not word.endswith("="):
            lines = [runs.pop()]
        yield from ([run] for run in runs)
    if lines:
        yield lines


def _texts_of(lines: list[str]) -> tuple[list[str], bool]:
    """The texts in a run, and whether they are all of it. Its last line, or each of them, may be a word of its own."""
    for count in (len(lines), len(lines) - 1):
        said = _text_of("".join(lines[:count]))
        if said is not None:
            rest = _text_of(lines[-1]) if count < len(lines) and len(lines[-1]) >= BLOB_MIN else None
            return [said] if rest is None else [said, rest], True
    texts = [said for line in lines if len(line) >= BLOB_MIN and (said := _text_of(line)) is not None]
    return texts, len(lines) > 1 and len(texts) == sum(len(line) >= BLOB_MIN for line in lines)


def _text_of(blob: str) -> str | None:
    bare = blob.rstrip("=")
    if not bare or _is_word(bare):
        return None
    if _HEX.fullmatch(bare) and len(bare) % 2 == 0 and (said := _plain(bytes.fromhex(bare))) is not None:
        return said
    if _BASE32.fullmatch(bare) and (said := _base32(bare)) is not None:
        return said
    bare = bare[:-1] if len(bare) % 4 == 1 else bare
    try:
        return _plain(base64.b64decode(bare.translate(_URL_SAFE) + "=" * (-len(bare) % 4), validate=True))
    except binascii.Error:
        return None


def _base32(bare: str) -> str | None:
    try:
        return _plain(base64.b32decode(bare + "=" * (-len(bare) % 8)))
    except binascii.Error:
        return None


def _plain(raw: bytes) -> str | None:
    """Bytes as text: UTF-16 where every other one is zero, UTF-8, or Windows-1252 where most are ASCII."""
    if raw.count(0) * 3 > len(raw):
        little = raw[1::2].count(0) > raw[::2].count(0)
        raw = raw.removeprefix(b"\xff\xfe" if little else b"\xfe\xff")
        return raw[: len(raw) // 2 * 2].decode("utf-16-le" if little else "utf-16-be", "replace")
    if 0 in raw:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        foreign = len(raw.translate(None, _ASCII))
        return None if raw.translate(None, _WRITTEN) or foreign * 3 > len(raw) else raw.decode("cp1252", "replace")


def _is_binary(said: str) -> bool:
    """Whether more than a tenth of it are control characters."""
    return len(said.encode("latin-1", "replace").translate(None, _WRITTEN)) * 10 > len(said)


def _is_word(blob: str) -> bool:
    return blob.isalpha() and (blob.islower() or blob.isupper())


def _is_list_of_hashes(lines: list[str]) -> bool:
    return len(lines) > 1 and all(len(line) in _HASHES and _HEX.fullmatch(line) for line in lines)
