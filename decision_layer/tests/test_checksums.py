"""Our checks against python-stdnum, and against numbers that the owners of the rules publish."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from stdnum import luhn
from stdnum.at import vnr
from stdnum.ch import ssn
from stdnum.de import idnr
from stdnum.dk import cvr
from stdnum.fr import nir
from stdnum.gb import nhs, utr
from stdnum.nl import bsn
from stdnum.no import fodselsnummer

from decision_layer.detect import checksums


@pytest.mark.parametrize(
    ("own", "other", "size"),
    [
        (checksums.luhn, luhn.is_valid, 16),
        (checksums.dk_cvr, cvr.is_valid, 8),
        (checksums.de_steuer_id, idnr.is_valid, 11),
        (checksums.at_svnr, vnr.is_valid, 10),
        (lambda n: n.startswith("756") and checksums.ean13(n), ssn.is_valid, 13),
        (checksums.fr_nir, nir.is_valid, 15),
        (checksums.nl_bsn, bsn.is_valid, 9),
        (checksums.gb_nhs, nhs.is_valid, 10),
        (checksums.gb_utr, utr.is_valid, 10),
    ],
)
def test_same_verdict_as_python_stdnum(own: Callable[[str], bool], other: Callable[[str], bool], size: int) -> None:
    rng = random.Random(size)  # noqa: S311
    for _ in range(3000):
        number = "".join(rng.choices("0123456789", k=size))
        if size == 13:
            number = "756" + number[3:]
        assert own(number) == other(number), number


def test_norwegian_numbers() -> None:
    rng = random.Random(11)  # noqa: S311
    checked = 0
    while checked < 5:
        number = f"{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}{rng.randint(50, 99):02d}{rng.randint(10000, 49999)}"
        valid = fodselsnummer.is_valid(number)
        assert checksums.no_person(number) == valid
        checked += valid


@pytest.mark.parametrize(
    ("own", "number"),
    [
        (checksums.de_vsnr, "65180539W001"),  # CPAN Algorithm::CheckDigits::M10_006
        (checksums.de_kvnr, "A123456780"),
        (checksums.de_document, "L01X00T471"),  # the specimen card
        (checksums.dk_cpr, "0707614285"),
    ],
)
def test_published_numbers(own: Callable[[str], bool], number: str) -> None:
    assert own(number)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not own(wrong)
