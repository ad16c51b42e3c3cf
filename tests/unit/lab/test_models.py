"""Lab specs that cannot be built are refused before anything is made."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from provision.errors import UsageError
from provision.lab.lab import destroy_lab
from provision.models.lab import LabGuest, LabSpec


def spec(*guests: tuple[str, str], name: str = "one") -> LabSpec:
    entries = [{"name": guest, "address": address} for guest, address in guests]
    return LabSpec.model_validate({"name": name, "network": "10.91.3.0/24", "guests": entries})


@pytest.mark.parametrize(
    "guests",
    [
        (("a", "10.91.3.10"), ("a", "10.91.3.11")),
        (("a", "10.91.3.10"), ("b", "10.91.3.10")),
        (("a", "10.91.4.10"),),
        (("a", "10.91.3.0"),),
        (("a", "10.91.3.1"),),
        (("a", "10.91.3.255"),),
    ],
)
def test_impossible_guests(guests: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ValidationError):
        spec(*guests)


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "a.b", "a/b", "../x", "a b", "a-", "a_b", "ä", "a" * 41, "a;b", "a\n", "a$(id)"]
)
def test_names_that_would_not_fit_a_path_or_a_host(name: str) -> None:
    with pytest.raises(ValidationError):
        spec(("a", "10.91.3.10"), name=name)
    with pytest.raises(ValidationError):
        LabGuest.model_validate({"name": name, "address": "10.91.3.10"})
    with pytest.raises(UsageError):
        destroy_lab(name)


def test_a_good_spec_survives_being_recorded() -> None:
    good = spec(("engine", "10.91.3.10"), ("data-1", "10.91.3.11"), name="acme-2")
    assert LabSpec.model_validate_json(good.model_dump_json()) == good
