"""Identifiers behind invisible characters, unusual digits, other separators and encodings."""

from __future__ import annotations

import base64
import re

import pytest

from decision_layer.detect import scan
from decision_layer.detect.normalise import variants
from decision_layer.parts import Part
from tests.test_identifiers import numbers

IBAN = "DE89370400440532013000"
GROUPS = ["DE89", "3704", "0044", "0532", "0130", "00"]
INVISIBLE = [
    chr(code)
    for code in (
        *(0x02, 0x1B, 0x1C, 0x7F, 0x85, 0x9F),  # control characters
        *(0x332, 0x336, 0x34F),  # marks on the letter before
        *(0x180E, 0x2061, 0x2800, 0xFFF9, 0xFFFC, 0x1BCA0, 0x1D173, 0xE0100),
    )
]
SEPARATORS = [",", ":", ";", "|", "*", "+", "~", "=", "\\", " , ", "_", "//", "\u2009"]


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan([Part(text, "user", "messages[0].content")])}


@pytest.mark.parametrize("sign", INVISIBLE, ids=lambda c: f"U+{ord(c):04X}")
def test_behind_invisible_characters(sign: str) -> None:
    assert "iban" in kinds("pay " + sign.join(IBAN) + " now")


@pytest.mark.parametrize(
    ("zero", "one"),
    [
        ("\u24ff", "\u2776"),
        ("\u24ea", "\u2460"),
        ("\u24ea", "\u24f5"),
        ("\U0001f10b", "\u2780"),
        ("\U0001f10c", "\u278a"),
    ],
)
def test_in_digits_of_ornament(zero: str, one: str) -> None:
    assert "iban" in kinds("pay DE" + "".join(chr(ord(one) + int(d) - 1) if d != "0" else zero for d in IBAN[2:]))


def test_in_keycaps() -> None:
    assert "iban" in kinds("pay DE" + "".join(d + "\ufe0f\u20e3" for d in IBAN[2:]))


@pytest.mark.parametrize("between", SEPARATORS)
def test_with_signs_that_part_numbers(between: str) -> None:
    assert "iban" in kinds(f"pay {between.join(GROUPS)} now")
    assert "iban" in kinds(f"pay {between.join(IBAN)} now")
    assert "dk.cpr" in kinds(f"CPR 010170{between}1234 now")
    for number in numbers("dk.cpr")[:8]:
        assert "dk.cpr" in kinds(f"it is {number[:6]}{between}{number[6:]} now")
    if " " not in between:
        assert "card" in kinds(f"Her card: {between.join(['4111'] * 1 + ['1111'] * 3)} expires")


@pytest.mark.parametrize(
    "broken", ["DE89 3704 0044\n0532 0130 00", "DE8937040044\n0532013000", "DE89-3704-\n0044-0532-0130-00"]
)
def test_over_two_lines(broken: str) -> None:
    assert "iban" in kinds(f"pay {broken} now")


@pytest.mark.parametrize("broken", ["010170\n-1234", "010170-\n1234"])
def test_a_cpr_number_over_two_lines(broken: str) -> None:
    assert "dk.cpr" in kinds(f"CPR {broken}")


@pytest.mark.parametrize(
    "text",
    [
        "Sales in 2019, 2020, 2021 and 2022",
        "DE;1200;1300;1250;1400;1500;1610",
        "| NO | 2019 | 2020 | 2021 | 2022 | 2023 |",
        "4000,4500,5000,5500 and 4111,1111,1111,1111 rows",  # groups like a card's, and no word beside them
        "12,345,678,901 DKK in revenue; 1.234.567,89 EUR",
        "f(x) = 123456+7890 = 131346",
        "12:30:05 to 14:45:10, rooms 1,2,3,4,5,6,7,8",
        "2001:4000:5000:6000:7000:8000:9000:1000",
        "070761\n4285",
        "room 070761: 4285 and 070761, 4285",
    ],
)
def test_lists_and_sums_are_no_identifier(text: str) -> None:
    assert kinds(text) == set()


def escaped(form: str) -> str:
    return "".join(form.format(ord(c)) for c in IBAN)


B64 = base64.b64encode
SAID = f"pay to {IBAN} today"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(B64(B64(SAID.encode())).decode(), id="base64 twice"),
        pytest.param(B64(f"på konto {IBAN}".encode("latin-1")).decode(), id="base64 of Latin-1"),
        pytest.param(B64(SAID.encode("utf-16")).decode(), id="base64 of UTF-16"),
        pytest.param(B64(SAID.encode("utf-16-le")).decode(), id="base64 of UTF-16 without a mark"),
        pytest.param(B64(SAID.encode("utf-16-be")).decode(), id="base64 of UTF-16, the other way round"),
        pytest.param(B64(f"pay\u200b to {IBAN}".encode()).decode(), id="base64 with a zero width"),
        pytest.param(B64(f"\x02pay to {IBAN}".encode()).decode(), id="base64 with a control character"),
        pytest.param(re.sub("(.{44})", r"\1\n", B64((SAID * 3).encode()).decode()), id="base64 in lines"),
        pytest.param(base64.b32encode(SAID.encode()).decode(), id="base32"),
        pytest.param(SAID.encode().hex(), id="hexadecimal"),
        pytest.param(SAID.encode().hex().upper(), id="hexadecimal in capitals"),
        pytest.param(escaped("%25{:02x}"), id="percent twice"),
        pytest.param(escaped("\\{:03o}"), id="octal"),
        pytest.param(escaped("\\u{{{:x}}}"), id="braces"),
        pytest.param(escaped("\\U{:08x}"), id="eight digits"),
        pytest.param(escaped("={:02X}"), id="quoted-printable"),
        pytest.param("DE89 3704 0044 05=\n32 0130 00", id="quoted-printable, in lines"),
        pytest.param(escaped("\\'{:02x}"), id="RTF"),
        pytest.param(escaped("&#{:d} "), id="entities without their ends"),
        pytest.param("DE89" + "".join(f"\\ud835\\u{0xDFCE + int(d):04x}" for d in IBAN[4:]), id="surrogates"),
        pytest.param(B64(SAID.encode()).decode().replace("=", "%3D").replace("D", "%44"), id="base64 in percents"),
    ],
)
def test_behind_encodings(text: str) -> None:
    assert "iban" in kinds(f"x {text}")


def test_escapes_beyond_unicode_are_left_alone() -> None:
    assert next(iter(variants("\\U99999999 \\u{ffffff}"))) == "\\U99999999 \\u{ffffff}"


def test_layers_are_undone_three_times_and_no_more() -> None:
    text = SAID
    for _ in range(3):
        text = B64(text.encode()).decode()
    assert "iban" in kinds(text)
    assert "iban" not in kinds(B64(text.encode()).decode())
