"""Telephone numbers: international ones by their plus, national ones by their usual form or a word beside them."""

from __future__ import annotations

import re

from decision_layer.detect.hits import Hits

_GROUP = re.compile(r"\d+")
# Country codes (ITU-T E.164): two digits, or three where the zone has three.
_ZONE = re.compile(r"(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[235689]\d\d)\d{6,13}")
_OUR_CODES = ("45", "49", "43", "41", "33", "31", "46", "47", "44", "353", "352", "423", "32", "358", "354", "298")
# National forms, digits of the groups with "-" between groups: mobile and landline as people write them.
_NATIONAL = re.compile(
    r"01[567]\d-?\d{3,4}-?\d{2,5}(?:-\d{2,4})*"  # DE mobile
    r"|0[2-9]\d{1,4}-\d{5,9}|0[2-9]\d{1,4}-\d{2,4}-\d{2,5}(?:-\d{2,4})?"  # DE, AT, SE, CH, UK landline with a gap
    r"|06\d{2}-\d{5,9}|06\d{2}-\d{3}-\d{2,4}(?:-\d{2,4})?"  # AT mobile
    r"|0[1-9](?:-\d{2}){4}|0[67]\d{8}"  # FR, NL and UK mobile without a gap
    r"|0[67]-?\d{4}-?\d{4}|06-\d{8}"  # NL
    r"|07\d{3}-?\d{3}-?\d{3}|0[12]\d{1,3}-\d{3,4}-\d{3,4}|0[12]\d{2,3}-\d{6,7}"  # UK
    r"|07\d-\d{7}|0\d{1,2}-\d{2,3}-\d{2}-\d{2}|01-\d{6,9}"  # SE, CH; Vienna
    r"|08\d-\d{3}-\d{4}"  # IE
    r"|0800-\d{3,4}-\d{3,4}"
)
_DATE = re.compile(r"(?:0?[1-9]|[12]\d|3[01])-(?:0?[1-9]|1[0-2])-(?:(?:19|20)?\d\d)|(?:19|20)\d\d-\d\d-\d\d(?:-.*)?")
_NORDIC_PAIRS = re.compile(r"[2-9]\d-\d\d-\d\d-\d\d")


def scan_phone(text: str, lower: str, start: int, end: int, taken: bool, hits: Hits) -> None:
    """One run of digits with its separators, as `digits.clusters` found it; `taken`: it is an identifier already."""
    groups = _GROUP.findall(text[start : min(end, start + 40)])
    number = "".join(groups)
    if not 7 <= len(number) <= 16:
        return
    if text[max(0, start - 2) : start].rstrip("( ").endswith("+") or text[start - 1 : start] == "+":
        bare = number.replace("(0)", "")
        if _ZONE.fullmatch(bare):
            hits.add("phone", number)
        return
    if start and (text[start - 1].isalpha() or (text[start - 1] in "-_/#" and text[start - 2 : start - 1].isalnum())):
        return
    if number.startswith("00") and number[2:].startswith(_OUR_CODES) and len(number) >= 10:
        hits.add("phone", number)
        return
    form = "-".join(groups)
    if _DATE.fullmatch(form):
        return
    usual = _NATIONAL.fullmatch(form) or (_NORDIC_PAIRS.fullmatch(form) and _spaced(text, start, end))
    sized = len(number) <= 12 and (number[0] == "0" or len(number) in (7, 8, 10))
    if (usual and not taken) or (sized and _named(lower, start, taken)):
        hits.add("phone", number)


def _spaced(text: str, start: int, end: int) -> bool:
    return text[start:end].count(" ") == 3 and "\n" not in text[start:end]


_CALLED = (
    r"tel|phone|mobil|cell|handy|tlf|\bruf|ring|\bcall|anruf|sms|whatsapp|signal|fax|erreich|durchwahl|gsm|portable|hotline"
    r"|reach|text (?:me|him|her)|træffes|dial|mob\b"
)
_NAMED_SURELY = re.compile(rf"(?:{_CALLED})[^\d\n]{{0,25}}[(+]?$")
_NAMED = re.compile(rf"(?:{_CALLED}|nummer|number|direct|kontakt|contact|\bnr)[^\d\n]{{0,25}}[(+]?$")
_OTHER = re.compile(
    r"rechnung|order|bestell|invoice|faktura|ordre|kunden|customer|kunde|konto|account|ticket|sag[s.]|case|serien|serial"
    r"|artikel|item|vare|part|version|id\b|personn|cpr|cvr|steuer|sozial|versicher|bsn|organi[sz]|orgn|nhs|vat|utr|siren|siret"
)


def _named(lower: str, start: int, taken: bool) -> bool:
    before = lower[max(0, start - 40) : start]
    return (_NAMED_SURELY if taken else _NAMED).search(before) is not None and _OTHER.search(before) is None
