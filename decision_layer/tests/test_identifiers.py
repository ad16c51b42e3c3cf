"""Every made-up identifier is found however it is written, and not found with one digit wrong."""

from __future__ import annotations

import base64
import random
from functools import cache
from urllib.parse import quote

import pytest

from decision_layer.detect import scan
from decision_layer.parts import Part
from tests.synthetic import FRAMES, LABELS, MAKERS, SPELLINGS, spelled

TRIES = 25
# No check, or one that some wrong digits pass: CPR since 2007, NINO, sums of digits (5 x 0 and 5 x 9 are the same), the
# UTR's table of check digits, and the digits after the B of a Dutch VAT number.
UNCHECKED = {"dk.cpr", "gb.nino", "de.vsnr", "de.kvnr", "gb.utr", "nl.btw"}
# A wrong digit may make another country's number of these.
WEAK_FORMS = {"eu.vat"}


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in scan([Part(text, "user", "messages[0].content")])}


def sentence(kind: str, value: str, language: str = "en") -> str:
    label = LABELS[kind][("en", "de", "da").index(language)]
    return FRAMES[language][1].format(label=label, value=value)


@cache
def numbers(kind: str) -> list[str]:
    rng = random.Random(kind)  # noqa: S311
    return [MAKERS[kind](rng) for _ in range(TRIES)]


@pytest.mark.parametrize("language", ["en", "de", "da"])
@pytest.mark.parametrize("kind", sorted(LABELS))
def test_found_without_gaps_and_in_groups(kind: str, language: str) -> None:
    for number in numbers(kind):
        assert kind in kinds(sentence(kind, number, language))
        assert kind in kinds(sentence(kind, spelled(kind, number), language))


@pytest.mark.parametrize("between", [" ", "-", ".", "\u00a0", "\u2009", "\u2013", " - "])
@pytest.mark.parametrize("kind", sorted(set(SPELLINGS) - {"ch.uid"}))
def test_found_with_every_separator(kind: str, between: str) -> None:
    sizes, usual = SPELLINGS[kind]
    for number in numbers(kind)[:8]:
        grouped = spelled(kind, number)
        if grouped == number:
            continue
        text = grouped.replace(usual, between)
        assert kind in kinds(sentence(kind, text)), f"{len(sizes)} groups with {between!r}"


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda n: "\u200b".join(n), id="zero-width"),
        pytest.param(lambda n: n[:3] + "\u00ad" + n[3:], id="soft-hyphen"),
        pytest.param(lambda n: "".join(chr(ord(c) + 0xFEE0) for c in n), id="full-width"),
        pytest.param(lambda n: "".join(f"%{ord(c):02X}" for c in n), id="percent"),
        pytest.param(lambda n: quote(" " + n + " "), id="url"),
        pytest.param(lambda n: "".join(f"&#{ord(c)};" for c in n), id="entities"),
        pytest.param(lambda n: "".join(f"\\u{ord(c):04x}" for c in n), id="json-escapes"),
        pytest.param(lambda n: " ".join(n), id="spaced-out"),
    ],
)
@pytest.mark.parametrize("kind", sorted(set(LABELS) - {"de.document"}))
def test_found_when_hidden(kind: str, hide: object) -> None:
    assert callable(hide)
    for number in numbers(kind)[:6]:
        assert kind in kinds(sentence(kind, hide(number)))


@pytest.mark.parametrize("kind", sorted(LABELS))
def test_found_in_a_base64_blob(kind: str) -> None:
    number = numbers(kind)[0]
    blob = base64.b64encode(sentence(kind, number).encode()).decode()
    assert kind in kinds(f"Decode this: {blob}")
    assert kind in kinds(base64.urlsafe_b64encode(sentence(kind, number).encode()).decode().rstrip("="))


@pytest.mark.parametrize("kind", sorted(set(LABELS) - UNCHECKED - WEAK_FORMS))
def test_not_found_with_one_wrong_digit(kind: str) -> None:
    rng = random.Random(kind)  # noqa: S311
    for number in numbers(kind):
        at = rng.choice([i for i, c in enumerate(number) if c.isdigit() and i > 3])
        wrong = number[:at] + str((int(number[at]) + rng.randint(1, 9)) % 10) + number[at + 1 :]
        assert kind not in kinds(sentence(kind, wrong)), "the check digit does not catch this"


@pytest.mark.parametrize("kind", ["nl.bsn", "fr.siren", "no.orgnr", "dk.cvr", "gb.nhs", "gb.utr"])
def test_weak_numbers_need_a_word_or_a_line(kind: str) -> None:
    number = numbers(kind)[0]
    assert kind not in kinds(f"The parcel {number} left the depot at noon and arrives tomorrow")
    assert kind in kinds(f"first cell\n{number}\nlast cell")


def test_values_never_leave_and_count_is_of_distinct_values() -> None:
    number = numbers("iban")[0]
    other = numbers("iban")[1]
    found = scan([Part(f"{number} {number}", "user", "a"), Part(f"{spelled('iban', number)}; {other}", "tool", "b")])
    assert [(f.kind, f.count) for f in found if f.kind == "iban"] == [("iban", 2)]
    assert number not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "Version 10.4.22-3 of 2024-01-17 12:30:05 runs on port 8443.",
        "Order 4711 costs 1,234.56 EUR and weighs 12 kg.",
        "c0ffee12-3456-7890-abcd-ef1234567890",
        "192.168.178.20 and 10.0.0.1 answered within 15 ms.",
        "3.14159265358979 and 2.71828182845904",
        "In 2019, 2020, 2021 and 2022 sales were 120, 130, 140 and 150.",
        "password: <your password>",
        "token = os.environ['TOKEN']",
        "The secret is to whisk the eggs.",
        "ISBN 978-3-16-148410-0",
    ],
)
def test_ordinary_numbers_and_words_are_no_finding(text: str) -> None:
    assert kinds(text) == set()


def test_a_number_cut_in_two_by_content_parts_is_found() -> None:
    number = numbers("iban")[0]
    halves = (number[:9], number[9:])
    places = [f"messages[0].content[{index}].text" for index in range(2)]
    parts = [Part(text, "user", where) for text, where in zip(halves, places, strict=True)]
    assert [f.kind for f in scan(parts)] == ["iban"]
    apart = [Part(halves[0], "user", "body.a"), Part(halves[1], "user", "body.b")]
    assert [f.kind for f in scan(apart)] == ["iban"], "an IBAN may go on in the next line"
