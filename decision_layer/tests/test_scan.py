"""The whole scan: it never raises, says the same again, and knows the telephone numbers of ten countries."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decision_layer.detect import scan
from decision_layer.parts import Part

PIECES = st.sampled_from(
    [
        "DE",
        "de 12",
        "GB",
        "CHE-",
        "0",
        "4711",
        "070761",
        "-",
        " ",
        ".",
        "/",
        "+",
        "00",
        "(",
        ")",
        "@",
        "a",
        "ß",
        "\u0130",
        "\ufb01",
        "\u0661",
        "\u2460",
        "password=",
        "sk-",
        "eyJ",
        "://",
        ":",
        "%41",
        "&#49;",
        "\\u0031",
        "QUJD",
        "born ",
        "she ",
        "cancer",
        "\n",
        "L01X",
        "A",
        "B12",
        "2A",
        "=",
        "\U0001d7d8",
        "\u200b",
        "[at]",
    ]
)


def kinds(text: str) -> list[str]:
    return [finding.kind for finding in scan([Part(text, "user", "messages[0].content")])]


@given(st.lists(PIECES | st.text(max_size=6), max_size=40).map("".join))
@settings(max_examples=500, deadline=None)
def test_no_text_makes_it_raise(text: str) -> None:
    assert kinds(text) == kinds(text)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
@settings(max_examples=200, deadline=None)
def test_an_iban_is_found_after_any_text(noise: str) -> None:
    assert "iban" in kinds(f"{noise}\nDE89 3704 0044 0532 0130 00")


@pytest.mark.parametrize("region", ["DK", "DE", "AT", "CH", "FR", "NL", "SE", "NO", "GB", "IE"])
@pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
def test_telephone_numbers_as_libphonenumber_writes_them(region: str, kind: int) -> None:
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    rng = random.Random(region)  # noqa: S311
    for _ in range(20):
        national = int(str(example.national_number)[:-4] + f"{rng.randint(0, 9999):04d}")
        number = phonenumbers.PhoneNumber(country_code=example.country_code, national_number=national)
        for form in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
            assert "phone" in kinds(f"His: {phonenumbers.format_number(number, form)} okay")
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        assert "phone" in kinds(f"Please ring Tom on {written} today")
        assert kinds(f"His: {written} okay"), "as it stands it is a number of somebody's"


@pytest.mark.parametrize(
    "text", ["order no. 20240117", "ticket #12345678", "Artikelnummer 12345678", "17.01.2024 08:00"]
)
def test_other_numbers_are_no_telephone_numbers(text: str) -> None:
    assert "phone" not in kinds(text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("email", "anna.sommer@kanzlei-muster.example"), ("iban", "D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0")],
)
def test_what_is_cut_anywhere_between_two_parts_is_found(kind: str, value: str) -> None:
    for cut in range(1, len(value)):
        halves = (f"write to {value[:cut]}", f"{value[cut:]} today")
        parts = [Part(text, "user", f"messages[0].content[{n}].text") for n, text in enumerate(halves)]
        assert kind in {finding.kind for finding in scan(parts)}, halves
