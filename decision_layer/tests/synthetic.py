"""Made-up identifiers that pass their checks, and the texts of data/identifiers.jsonl.

Run to write the file anew: .venv/bin/python tests/synthetic.py
Validity comes from python-stdnum where it knows the number, so that the detectors are not measured by themselves.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from pathlib import Path

from stdnum import iban, luhn
from stdnum.at import uid as at_uid
from stdnum.at import vnr
from stdnum.ch import ssn
from stdnum.ch import uid as ch_uid
from stdnum.de import idnr
from stdnum.de import vat as de_vat
from stdnum.dk import cvr
from stdnum.eu import vat as eu_vat
from stdnum.fr import nir, siren, siret, tva
from stdnum.gb import nhs, utr
from stdnum.gb import vat as gb_vat
from stdnum.ie import pps
from stdnum.nl import bsn
from stdnum.no import fodselsnummer, orgnr
from stdnum.se import orgnr as se_orgnr

from decision_layer.detect import checksums

Make = Callable[[random.Random], str]


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def _until(draw: Make, valid: Callable[[str], bool]) -> Make:
    def make(rng: random.Random) -> str:
        while True:
            number = draw(rng)
            if valid(number):
                return number

    return make


def _ddmmyy(rng: random.Random) -> str:
    return f"{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}{rng.randint(50, 99):02d}"


def _yymmdd(rng: random.Random) -> str:
    return f"{rng.randint(50, 99):02d}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"


def _iban(country: str, length: int) -> Make:
    return _until(lambda rng: country + _digits(rng, length - 2), lambda n: iban.is_valid(n, check_country=False))


def _cpr_valid(number: str) -> bool:
    return checksums.dk_cpr(number)


MAKERS: dict[str, Make] = {
    "iban": lambda rng: rng.choice(
        [_iban("DE", 22), _iban("DK", 18), _iban("AT", 20), _iban("SE", 24), _iban("BE", 16)]
    )(rng),
    "card": lambda rng: _card(rng),
    "dk.cpr": _until(lambda rng: _ddmmyy(rng) + _digits(rng, 4), _cpr_valid),
    "dk.cvr": _until(lambda rng: _digits(rng, 8), cvr.is_valid),
    "de.steuer_id": _until(lambda rng: _steuer(rng), idnr.is_valid),
    "de.vsnr": _until(
        lambda rng: (
            f"{rng.choice(['12', '65', '50'])}{_ddmmyy(rng)}{rng.choice(string.ascii_uppercase)}{_digits(rng, 3)}"
        ),
        checksums.de_vsnr,
    ),
    "de.kvnr": _until(lambda rng: rng.choice(string.ascii_uppercase) + _digits(rng, 9), checksums.de_kvnr),
    "de.ust_id": _until(lambda rng: "DE" + _digits(rng, 9), lambda n: de_vat.is_valid(n[2:])),
    "de.document": _until(
        lambda rng: "L" + "".join(rng.choices("CFGHJKLMNPRTVWXYZ0123456789", k=8)) + _digits(rng, 1),
        lambda n: checksums.de_document(n) and any(c.isdigit() for c in n[:9]),
    ),
    "at.svnr": _until(lambda rng: f"{rng.randint(100, 999)}{rng.randint(0, 9)}{_ddmmyy(rng)}", vnr.is_valid),
    "at.uid": _until(lambda rng: "ATU" + _digits(rng, 8), at_uid.is_valid),
    "ch.ahv": _until(lambda rng: "756" + _digits(rng, 10), ssn.is_valid),
    "ch.uid": _until(lambda rng: "CHE" + _digits(rng, 9), ch_uid.is_valid),
    "fr.nir": _until(
        lambda rng: f"{rng.choice('12')}{rng.randint(50, 99)}{rng.randint(1, 12):02d}75{_digits(rng, 8)}", nir.is_valid
    ),
    "fr.siren": _until(lambda rng: _digits(rng, 9), siren.is_valid),
    "fr.siret": _until(lambda rng: rng.choice("3458") + _digits(rng, 13), siret.is_valid),
    "fr.tva": _until(lambda rng: "FR" + _digits(rng, 11), tva.is_valid),
    "nl.bsn": _until(lambda rng: _digits(rng, 9), bsn.is_valid),
    "nl.btw": _until(lambda rng: f"NL{_digits(rng, 9)}B{rng.randint(1, 99):02d}", eu_vat.is_valid),
    "se.personnummer": _until(lambda rng: _yymmdd(rng) + _digits(rng, 4), luhn.is_valid),
    "se.orgnr": _until(
        lambda rng: rng.choice(["556", "559", "802"]) + _digits(rng, 7), lambda n: n[2] >= "2" and se_orgnr.is_valid(n)
    ),
    "no.fodselsnummer": _until(
        lambda rng: _ddmmyy(rng) + f"{rng.randint(100, 499)}" + _digits(rng, 2), fodselsnummer.is_valid
    ),
    "no.orgnr": _until(lambda rng: rng.choice("89") + _digits(rng, 8), orgnr.is_valid),
    "gb.nhs": _until(lambda rng: _digits(rng, 10), nhs.is_valid),
    "gb.nino": lambda rng: f"{rng.choice(['AB', 'CE', 'JP', 'SX'])}{_digits(rng, 6)}{rng.choice('ABCD')}",
    "gb.utr": _until(lambda rng: _digits(rng, 10), utr.is_valid),
    "gb.vat": _until(lambda rng: "GB" + _digits(rng, 9), lambda n: gb_vat.is_valid(n[2:])),
    "ie.pps": _until(
        lambda rng: _digits(rng, 7) + rng.choice("ABCDEFGHIJKLMNOPQRSTUVW") + rng.choice("AH"), pps.is_valid
    ),
    "eu.vat": _until(
        lambda rng: rng.choice(["BE0", "PL", "LU", "FI"]) + _digits(rng, rng.choice([8, 9, 10])), eu_vat.is_valid
    ),
}


def _card(rng: random.Random) -> str:
    while True:
        start, length = rng.choice([("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("37", 15), ("6759", 16)])
        number = start + _digits(rng, length - len(start))
        if luhn.is_valid(number):
            return number


def _steuer(rng: random.Random) -> str:
    ten = rng.sample(string.digits, 9)
    ten.insert(rng.randint(2, 9), ten[0])
    return "".join(ten) + _digits(rng, 1)


# How people write them: sizes of the groups and what stands between; the first is without gaps.
SPELLINGS: dict[str, tuple[tuple[int, ...], str]] = {
    "card": ((4, 4, 4, 4), " "),
    "dk.cpr": ((6, 4), "-"),
    "dk.cvr": ((2, 2, 2, 2), " "),
    "de.steuer_id": ((2, 3, 3, 3), " "),
    "de.vsnr": ((2, 6, 1, 3), " "),
    "at.svnr": ((4, 6), " "),
    "ch.ahv": ((3, 4, 4, 2), "."),
    "fr.nir": ((1, 2, 2, 2, 3, 3, 2), " "),
    "fr.siren": ((3, 3, 3), " "),
    "fr.siret": ((3, 3, 3, 5), " "),
    "nl.bsn": ((4, 2, 3), "."),
    "se.personnummer": ((6, 4), "-"),
    "se.orgnr": ((6, 4), "-"),
    "no.fodselsnummer": ((6, 5), " "),
    "no.orgnr": ((3, 3, 3), " "),
    "gb.nhs": ((3, 3, 4), " "),
    "gb.nino": ((2, 2, 2, 2, 1), " "),
    "gb.utr": ((5, 5), " "),
    "gb.vat": ((2, 3, 4, 2), " "),
    "de.ust_id": ((2, 9), " "),
    "ch.uid": ((3, 3, 3, 3), "-.."),
    "iban": ((4, 4, 4, 4, 4, 4, 4), " "),
}


def spelled(kind: str, number: str) -> str:
    """The number in groups, where it has a usual grouping that fits."""
    sizes, between = SPELLINGS.get(kind, ((), ""))
    if not sizes or (sum(sizes) != len(number) and kind != "iban"):
        return number
    text, at = "", 0
    for index, size in enumerate(sizes):
        piece = number[at : at + size]
        if piece:
            text += ((between[index - 1] if len(between) > 1 else between) if at else "") + piece
        at += size
    return text


LABELS: dict[str, tuple[str, str, str]] = {
    "iban": ("IBAN", "IBAN", "IBAN"),
    "card": ("credit card", "Kreditkarte", "betalingskort"),
    "dk.cpr": ("Danish CPR number", "dänische CPR-Nummer", "CPR-nummer"),
    "dk.cvr": ("CVR no.", "CVR-Nummer", "CVR-nr."),
    "de.steuer_id": ("German tax ID", "Steuer-ID", "tysk skatte-id"),
    "de.vsnr": ("pension insurance no.", "Sozialversicherungsnummer", "tysk socialforsikring"),
    "de.kvnr": ("German health insurance number", "Krankenversichertennummer", "tysk KVNR"),
    "de.ust_id": ("VAT ID", "USt-IdNr.", "tysk momsnummer"),
    "de.document": ("German identity card", "Personalausweisnummer", "tysk id-kort"),
    "at.svnr": ("Austrian SVNR", "SV-Nummer", "østrigsk SVNR"),
    "at.uid": ("Austrian UID", "UID-Nummer", "østrigsk UID"),
    "ch.ahv": ("AHV number", "AHV-Nummer", "schweizisk AHV"),
    "ch.uid": ("Swiss UID", "UID", "schweizisk UID"),
    "fr.nir": ("French social security number", "französische NIR", "fransk NIR"),
    "fr.siren": ("SIREN", "SIREN", "SIREN"),
    "fr.siret": ("SIRET", "SIRET", "SIRET"),
    "fr.tva": ("TVA", "TVA", "TVA"),
    "nl.bsn": ("BSN", "BSN", "BSN"),
    "nl.btw": ("btw number", "btw-Nummer", "btw-nummer"),
    "se.personnummer": ("Swedish personnummer", "schwedische Personnummer", "svensk personnummer"),
    "se.orgnr": ("Swedish orgnr", "schwedische Organisationsnummer", "svensk organisationsnummer"),
    "no.fodselsnummer": ("Norwegian fødselsnummer", "norwegische Fødselsnummer", "norsk fødselsnummer"),
    "no.orgnr": ("Norwegian orgnr", "norwegische Organisationsnummer", "norsk organisationsnummer"),
    "gb.nhs": ("NHS number", "NHS-Nummer", "NHS-nummer"),
    "gb.nino": ("National Insurance number", "NINO", "NINO"),
    "gb.utr": ("UTR", "UTR", "UTR"),
    "gb.vat": ("UK VAT number", "britische VAT", "britisk VAT"),
    "ie.pps": ("PPS number", "PPS-Nummer", "PPS-nummer"),
    "eu.vat": ("EU VAT number", "USt-IdNr.", "momsnummer"),
}
FRAMES = {
    "en": (
        "My {label} is {value}, thanks.",
        "Please update the file: {label}: {value}.",
        "{label} {value} belongs to the form we got today",
    ),
    "de": (
        "Meine {label} lautet {value}, danke.",
        "Bitte in der Akte ändern: {label}: {value}.",
        "{label} {value} steht auf dem Formular",
    ),
    "da": (
        "Mit {label} er {value}, tak.",
        "Ret venligst i sagen: {label}: {value}.",
        "{label} {value} står på formularen fra i dag",
    ),
}


def rows() -> list[dict[str, object]]:
    """All rows of data/identifiers.jsonl, the same ones each time."""
    rng = random.Random(20240607)  # noqa: S311
    made: list[dict[str, object]] = []
    for kind, labels in LABELS.items():
        for column, language in enumerate(("en", "de", "da")):
            for index, frame in enumerate(FRAMES[language]):
                number = MAKERS[kind](rng)
                value = number if index == 0 else spelled(kind, number)
                made.append(_row(frame.format(label=labels[column], value=value), language, kind, len(made)))
    return made


def _row(text: str, language: str, kind: str, index: int) -> dict[str, object]:
    split = "test" if index % 2 else "dev"
    return {"text": text, "lang": language, "kinds": [kind], "hard_negative": False, "split": split}


def main() -> None:
    path = Path(__file__).parent / "data" / "identifiers.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows()), "utf-8")


if __name__ == "__main__":
    main()
