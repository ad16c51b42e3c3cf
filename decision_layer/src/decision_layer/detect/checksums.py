"""Check digit rules on compact strings (digits only unless said otherwise). Each names its source."""

from __future__ import annotations

from collections import Counter

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_PERSO = {c: i for i, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}


def weighted(number: str, weights: tuple[int, ...]) -> int:
    """Sum of digit times weight; the shorter of the two decides how far."""
    return sum(w * int(d) for w, d in zip(weights, number, strict=False))


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B: cards, SIREN, SIRET, Swedish numbers."""
    total = 0
    double = False
    for char in reversed(number):
        digit = int(char)
        total += _DOUBLED[digit] if double else digit
        double = not double
    return total % 10 == 0


def mod_97_10(number: str) -> bool:
    """ISO 7064 MOD 97-10 over letters and digits in the order they are checked (IBAN: country and check at the end)."""
    return int("".join(str(int(c, 36)) for c in number)) % 97 == 1


def mod_11_10(number: str) -> bool:
    """ISO 7064 MOD 11,10: Steuer-ID (python-stdnum de.idnr)."""
    check = 5
    for char in number:
        check = (((check or 10) * 2) % 11 + int(char)) % 10
    return check == 1


def ean13(number: str) -> bool:
    """GS1 check digit: the Swiss AHV number (python-stdnum ch.ssn)."""
    return sum((3 if i % 2 else 1) * int(d) for i, d in enumerate(number)) % 10 == 0


def dk_cpr(number: str) -> bool:
    """Modulus 11, not in force for numbers issued since 2007 (CPR-kontoret; python-stdnum dk.cpr)."""
    return weighted(number, (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def dk_cvr(number: str) -> bool:
    """python-stdnum dk.cvr."""
    return number[0] != "0" and weighted(number, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def de_steuer_id(number: str) -> bool:
    """In the first ten digits exactly one stands twice or three times (python-stdnum de.idnr; BZSt)."""
    repeated = [n for n in Counter(number[:10]).values() if n > 1]
    return number[0] != "0" and len(repeated) == 1 and repeated[0] in (2, 3) and mod_11_10(number)


def de_vsnr(number: str) -> bool:
    """Eight digits, a letter, three digits; CPAN Algorithm::CheckDigits::M10_006, sums of digits, modulo 10."""
    digits = number[:8] + f"{ord(number[8]) - 64:02d}" + number[9:]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(w * int(d), 10)) for w, d in zip(weights, digits, strict=False))
    return total % 10 == int(number[11])


def de_kvnr(number: str) -> bool:
    """A letter and nine digits: § 290 SGB V, letter as two digits, weights 1 2 1 2 ..., sums of digits, modulo 10."""
    digits = f"{ord(number[0]) - 64:02d}" + number[1:9]
    total = sum(sum(divmod((1 + i % 2) * int(d), 10)) for i, d in enumerate(digits))
    return total % 10 == int(number[9])


def de_document(number: str) -> bool:
    """Nine characters and a check digit by weights 7 3 1 (ICAO Doc 9303 part 3): German ID cards and passports."""
    return sum((7, 3, 1)[i % 3] * _PERSO[c] for i, c in enumerate(number[:9])) % 10 == int(number[9])


def at_svnr(number: str) -> bool:
    """python-stdnum at.vnr; the check digit is the fourth."""
    return number[0] != "0" and weighted(number, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(number[3])


def ch_uid(number: str) -> bool:
    """The nine digits after CHE (python-stdnum ch.uid)."""
    return (11 - weighted(number[:8], (5, 4, 3, 2, 7, 6, 5, 4))) % 11 == int(number[8])


def fr_nir(number: str) -> bool:
    """Thirteen characters (2A and 2B for Corsica) and a two digit key (python-stdnum fr.nir; INSEE)."""
    body = number[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(body) % 97 == int(number[13:])


def nl_bsn(number: str) -> bool:
    """The elfproef (python-stdnum nl.bsn)."""
    return int(number) > 0 and weighted(number, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def no_person(number: str) -> bool:
    """Both control digits (python-stdnum no.fodselsnummer)."""
    return (
        weighted(number, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
        and weighted(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def no_orgnr(number: str) -> bool:
    """python-stdnum no.orgnr; Brønnøysund gives numbers that begin with 8 or 9."""
    return number[0] in "89" and weighted(number, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def gb_nhs(number: str) -> bool:
    """python-stdnum gb.nhs; NHS data dictionary."""
    return int(number) > 0 and weighted(number, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def gb_utr(number: str) -> bool:
    """The first digit checks the other nine (python-stdnum gb.utr)."""
    return "21987654321"[weighted(number[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11] == number[0]
