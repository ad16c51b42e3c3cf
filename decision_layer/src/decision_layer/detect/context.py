"""Words beside a number that say what it is. Weak checks (one number in ten passes) count only with them."""

from __future__ import annotations

import re

_BEFORE, _AFTER = 70, 30
_EDGE = 16
_FRAME = " \t\"'.,;:()[]{}"

WORDS: dict[str, re.Pattern[str]] = {
    kind: re.compile(words)
    for kind, words in {
        "dk.cpr": r"cpr|personnummer|personal id|p\.?nr|danish (?:id|national|personal)|dänische",
        "dk.cvr": r"cvr|\bse[- ]?n|virksomhed|momsn|company reg|danish (?:company|business)|handelsregister|p-nummer",
        "de.steuer_id": r"steuer|idnr|id-nr|tax|\btin\b|skat",
        "de.ust_id": r"ust|umsatzsteuer|vat|moms|mwst",
        "at.svnr": r"sv|sozialvers|versicherungsn|social (?:sec|ins)|ssn",
        "ch.ahv": r"ahv|avs|ssn|social",
        "fr.nir": r"\bnir\b|sécu|secu|insee|social|sozial|vitale|cpr|franz|french|fransk",
        "fr.siren": r"siren|siret|rcs|entreprise|french (?:company|business)|fransk|französ",
        "fr.siret": r"siret|établissement",
        "nl.bsn": r"\bbsn|burgerservice|sofi|citizen service|persoonsn|niederländ|dutch|hollandsk|nederland",
        "se.personnummer": r"personn|samordningsn|svensk|swedish|schwed|pnr",
        "se.orgnr": r"org|swedish (?:company|business)|svensk|schwed|företag|bolag",
        "no.fodselsnummer": r"f[øo]dselsn|fnr|personn|d-nummer|norsk|norweg",
        "no.orgnr": r"org|foretak|mva|norsk|norweg|brønnøysund|enhet",
        "gb.nhs": r"nhs|patient|health (?:service|number)",
        "gb.utr": r"utr\b|unique taxpayer|self[- ]?assessment|hmrc|tax",
        "gb.vat": r"vat",
        "ie.pps": r"pps|irish|ireland|irland|revenue|social",
        "gb.nino": r"nino\b|national ins|\bni (?:no|num)|insurance",
        "card": r"card|karte|kort|visa|master|amex|kredit|credit|carte|kaart|\bpan\b",
        "phone": (
            r"tel|phone|mobil|cell|handy|\btlf|ruf|ring|\bcall|anruf|sms|whatsapp|signal|fax|erreich|nummer|number|durchwahl"
            r"|kontakt|contact|gsm|portable|hotline|reach|text me|træffes"
        ),
        "de.document": (
            r"ausweis|\bperso\b|passport|reisepass|\bpass(?:nr|-nr|nummer| no| number)|\bpas(?:nummer)?\b"
            r"|identity card|\bid[- ]card|identitetskort"
            r"|id-kort|dokument(?:en)?nummer|document (?:no|num)"
        ),
        "de.vsnr": r"vers|sozial|rente|\brv|\bsv|social|pension",
        "de.kvnr": r"kv|kranken|versich|health ins|kasse|gesundheit|egk",
    }.items()
}


def beside(kind: str, lower: str, start: int, end: int) -> bool:
    """Whether a word that names `kind` stands near [start, end) of the lower-cased text."""
    words = WORDS.get(kind)
    return words is not None and words.search(lower, max(0, start - _BEFORE), end + _AFTER) is not None


def alone(text: str, start: int, end: int) -> bool:
    """Whether [start, end) is a line of its own: a cell, or a value in JSON, where nothing says it is less."""
    before, after = text[max(0, start - _EDGE) : start], text[end : end + _EDGE]
    left, right = before.rpartition("\n")[2], after.partition("\n")[0]
    whole = len(left) < _EDGE and len(right) < _EDGE
    return whole and not left.strip(_FRAME) and not right.strip(_FRAME)
