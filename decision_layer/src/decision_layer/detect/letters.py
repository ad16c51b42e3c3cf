"""Identifiers of letters and digits. Each is looked for only around a run of digits, so the work stays linear."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from stdnum import numdb
from stdnum.ch import uid as ch_uid
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat
from stdnum.ie import pps as ie_pps

from decision_layer.detect import checksums, dates
from decision_layer.detect.context import alone, beside
from decision_layer.detect.hits import Hits

_SEP = r"[ .\-/_]{0,3}"
_BEFORE = 12
_HEAD = re.compile(rf"([A-Za-z]{{1,5}}){_SEP}$")
_HEAD_MAX = 4
_IBAN_HEAD = re.compile(rf"(?<![A-Za-z])[A-Za-z]{_SEP}[A-Za-z]{_SEP}$|[A-Za-z]{{2}}$")
_IBAN = re.compile(rf"[A-Za-z]{_SEP}[A-Za-z](?:{_SEP}[A-Za-z0-9]){{13,32}}")
# With whatever signs between, and over lines: see _apart.
_ANY = r"[^A-Za-z0-9]{0,3}"
_IBAN_HEAD_APART = re.compile(rf"(?:(?<![A-Za-z])[A-Za-z]{_ANY}|[A-Za-z])[A-Za-z]{_ANY}$")
_IBAN_APART = re.compile(rf"[A-Za-z]{_ANY}[A-Za-z](?:{_ANY}[A-Za-z0-9]){{13,32}}")
_GROUP = re.compile(r"[A-Za-z0-9]+")
_LETTER = re.compile(r"[A-Za-z]")
# Characters after the country code, longest first (VIES, structure of VAT identification numbers).
_VAT_LENGTHS = {
    "AT": (9,),
    "BE": (10,),
    "BG": (10, 9),
    "CY": (9,),
    "CZ": (10, 9, 8),
    "DE": (9,),
    "DK": (8,),
    "EE": (9,),
    "EL": (9,),
    "GR": (9,),
    "ES": (9,),
    "FI": (8,),
    "FR": (11,),
    "HR": (11,),
    "HU": (8,),
    "IE": (9, 8),
    "IT": (11,),
    "LT": (12, 9),
    "LU": (8,),
    "LV": (11,),
    "MT": (8,),
    "NL": (12,),
    "PL": (10,),
    "PT": (9,),
    "RO": (10, 9, 8, 7, 6),
    "SE": (12,),
    "SI": (8,),
    "SK": (10,),
    "XI": (12, 9),
    "GB": (12, 9),
    "CH": (10,),
}
_VAT = re.compile(
    r"(?<![A-Za-z0-9])(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|GR|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI|GB|CHE)"
    rf"(?:{_SEP}[A-Z0-9+*]){{7,13}}",
    re.IGNORECASE,
)
_VAT_KIND = {
    "DE": "de.ust_id",
    "AT": "at.uid",
    "FR": "fr.tva",
    "NL": "nl.btw",
    "DK": "dk.cvr",
    "GB": "gb.vat",
    "XI": "gb.vat",
    "CH": "ch.uid",
    "IE": "ie.vat",
    "SE": "se.vat",
}
_NINO = re.compile(
    r"(?<![A-Za-z0-9])(?:QQ|(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])"  # QQ: HMRC's examples
    rf"{_SEP}\d{_SEP}\d{_SEP}\d{_SEP}\d{_SEP}\d{_SEP}\d{_SEP}[A-D](?![A-Za-z0-9])",
    re.IGNORECASE,
)
_PPS = re.compile(rf"(?<![A-Za-z0-9])\d(?:{_SEP}\d){{6}}{_SEP}[A-W](?:{_SEP}[ABHWTX])?(?![A-Za-z0-9])", re.IGNORECASE)
_KVNR = re.compile(rf"(?<![A-Za-z0-9])[A-Z]{_SEP}\d(?:{_SEP}\d){{8}}(?!\d)", re.IGNORECASE)
_VSNR = re.compile(rf"(?<![A-Za-z0-9])\d(?:{_SEP}\d){{7}}{_SEP}[A-Z]{_SEP}\d{_SEP}\d{_SEP}\d(?!\d)", re.IGNORECASE)
_NIR = re.compile(rf"(?<!\d)[1-478](?:{_SEP}\d){{4}}{_SEP}2{_SEP}[AB](?:{_SEP}\d){{8}}(?!\d)", re.IGNORECASE)
_DOCUMENT = re.compile(r"(?<![A-Za-z0-9])[CFGHJ-NPRTV-Z][CFGHJ-NPRTV-Z0-9]{8}(?:\d[A-Z]?)?(?![A-Za-z0-9])")
DOCUMENT_LETTERS = frozenset("CFGHJKLMNPRTVWXYZ")
_DOCUMENT_HEAD, _DOCUMENT_TAIL = 9, 12  # letters before its first digit at most; to the character behind it
_CLEAN = str.maketrans("", "", " .-/_")

_iban_registry: Any = numdb.get("iban")  # SWIFT IBAN registry as python-stdnum carries it


@lru_cache(maxsize=512)
def _bban(country: str) -> tuple[int, re.Pattern[str]] | None:
    """Length of the whole IBAN and the form of its national part, or None where there is no such country."""
    structure = _iban_registry.info(country)[0][1].get("bban")
    if structure is None:
        return None
    fields = re.findall(r"(\d+)!([nac])", structure)
    classes = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
    return 4 + sum(int(n) for n, _ in fields), re.compile("".join(f"{classes[c]}{{{n}}}" for n, c in fields))


def scan_around(text: str, lower: str, start: int, end: int, hits: Hits) -> bool:
    """Identifiers whose digits begin at `start`; `end` is where that run ends. Whether the run belongs to an IBAN."""
    head = _HEAD.search(text, max(0, start - 8), start)
    if (head is not None or _LETTER.search(text, max(0, start - 4), start)) and _iban(text, start, hits):
        return True
    if head is not None and len(head[1]) <= _HEAD_MAX:
        _led_by_letter(text, lower, start, end, head[1].upper(), hits)
    if text[end : end + 4].lstrip(" .-/_")[:1].isalpha():
        _followed_by_letter(text, lower, start, end, hits)
    return False


def _iban(text: str, start: int, hits: Hits) -> bool:
    low = max(0, start - 8)
    head = _IBAN_HEAD.search(text, low, start)
    # Behind a word and a space, where most numbers stand, there is none; looking for it takes longer.
    if head is None and not (text[start - 1] == " " and text[start - 2 : start - 1].isalpha()):
        head = _IBAN_HEAD_APART.search(text, low, start)
    registered = _bban("".join(_GROUP.findall(head[0])).upper()) if head else None
    if head is None or registered is None:
        return False
    length, form = registered
    for whole in (_IBAN, _IBAN_APART):
        match = whole.match(text, head.start())
        if match is None:
            continue
        groups = _GROUP.findall(match[0])
        number = "".join(groups).upper()[:length]
        usual = whole is _IBAN or _apart(groups, length)
        if usual and form.fullmatch(number, 4) and checksums.mod_97_10(number[4:] + number[:4]):
            hits.add("iban", number)
            return True
    return False


def _apart(groups: list[str], length: int) -> bool:
    """Whether the groups are an IBAN's: one number in 97 passes, and rows of numbers may stand behind a country."""
    sizes: list[int] = []
    for group in groups:
        if sum(sizes) < length:
            sizes.append(min(len(group), length - sum(sizes)))
    return set(sizes) == {1} or set(sizes[:-1]) == {4} or (len(sizes) <= 3 and sizes[0] >= 4)


def _led_by_letter(text: str, lower: str, start: int, end: int, head: str, hits: Hits) -> None:
    """`head`: the letters before the digits. One is a KVNR's, two a NINO's or a country's, up to four a country's."""
    low = max(0, start - _BEFORE)
    vat = _VAT.search(text, low, min(len(text), start + 32)) if head[:2] in _VAT_LENGTHS else None
    if vat is not None and vat.start() < start:
        _vat(vat[0].translate(_CLEAN), vat[0], lower, vat.start(), vat.end(), hits)
    nino = _NINO.search(text, low, min(len(text), end + 6)) if len(head) == 2 else None
    if nino is not None and (nino[0][:2].isupper() or beside("gb.nino", lower, nino.start(), nino.end())):
        hits.add("gb.nino", nino[0].translate(_CLEAN).upper())
    kvnr = _KVNR.search(text, low, min(len(text), end + 1)) if len(head) == 1 else None
    if kvnr is not None:
        number = kvnr[0].translate(_CLEAN).upper()
        tight = kvnr[0][0].isupper() and len(kvnr[0]) == len(number)
        if checksums.de_kvnr(number) and (tight or beside("de.kvnr", lower, kvnr.start(), kvnr.end())):
            hits.add("de.kvnr", number)


def _vat(number: str, raw: str, lower: str, start: int, end: int, hits: Hits) -> None:
    """Longest first. Without a word beside it the country code must be in capitals and stand at its number."""
    sure = raw[:2].isupper() and raw[2].isalnum()
    if not sure and not any(word in lower[max(0, start - 60) : end + 30] for word in _VAT_WORDS):
        return
    number = number.upper()
    country = number[:2]
    for length in _VAT_LENGTHS[country]:
        candidate = number[: 2 + length]
        if len(candidate) == 2 + length and _valid_vat(country, candidate):
            hits.add(_VAT_KIND.get(country, "eu.vat"), candidate)
            return


def _valid_vat(country: str, number: str) -> bool:
    body = number[2:]
    if country == "DE":
        return body.isdigit() and body[0] != "0" and checksums.mod_11_10(body)
    if country == "CH":
        return ch_uid.is_valid(number)
    return gb_vat.is_valid(body) if country in ("GB", "XI") else eu_vat.is_valid(number)


_VAT_WORDS = ("vat", "ust", "umsatzsteuer", "moms", "mwst", "btw", "tva", "uid", "cvr", "iva", "tax")


def _followed_by_letter(text: str, lower: str, start: int, end: int, hits: Hits) -> None:
    pps = _PPS.search(text, start, min(len(text), end + 6))
    if pps is not None:
        number = pps[0].translate(_CLEAN).upper()
        tight = len(pps[0]) == len(number) and pps[0][7:].isupper()
        if ie_pps.is_valid(number) and (tight or beside("ie.pps", lower, pps.start(), pps.end())):
            hits.add("ie.pps", number)
    vsnr = _VSNR.search(text, start, min(len(text), end + 14))
    if vsnr is not None:
        number = vsnr[0].translate(_CLEAN).upper()
        if dates.day_month(int(number[2:4]) % 50 or 1, int(number[4:6]) or 1) and checksums.de_vsnr(number):
            hits.add("de.vsnr", number)
    nir = _NIR.search(text, start, min(len(text), end + 24))
    if nir is not None:
        number = nir[0].translate(_CLEAN).upper()
        if checksums.fr_nir(number):
            hits.add("fr.nir", number)


def scan_document(text: str, lower: str, first: int, hits: Hits) -> int:
    """A German ID card's or passport's number, whose first digit stands at `first`, behind a letter; where it ends.

    One code in ten passes the check, so a word or a line of its own is needed.
    """
    match = _DOCUMENT.search(text, max(0, first - _DOCUMENT_HEAD), first + _DOCUMENT_TAIL)
    if match is None or match.start() > first:
        return first
    number = match[0][:10]
    start, end = match.span()
    if len(number) == 10 and not checksums.de_document(number):
        return end
    if beside("de.document", lower, start, end) or (len(number) == 10 and alone(text, start, end)):
        hits.add("de.document", number)
    return end
