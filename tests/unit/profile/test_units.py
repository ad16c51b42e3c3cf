"""Sizes, powers and contexts as a user writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.models.units import parse_power, parse_size, parse_tokens


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("24GiB", 24576),
        ("24 GiB", 24576),
        ("1.5GiB", 1536),
        ("512MiB", 512),
        ("2TB", 1907348),
        ("128GB", 122070),
        ("1TiB", 2**20),
        ("1MB", 0),
    ],
)
def test_sizes(text: str, mib: int) -> None:
    assert parse_size(text) == mib


@pytest.mark.parametrize(
    "text", ["24", 24, "24G", "24gib", "24 GiB each", "-1GiB", "1e3GiB", "GiB", "", None, "1.GiB", "٢٤GiB", "24GiB;"]
)
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="which is not a size; write"):
        parse_size(text)


@given(st.integers(min_value=1, max_value=10**6))
def test_binary_sizes_are_exact(number: int) -> None:
    assert parse_size(f"{number}MiB") == number
    assert parse_size(f"{number}GiB") == number * 1024
    assert parse_size(f"{number}TiB") == number * 2**20


def test_powers() -> None:
    assert parse_power("450W") == parse_power("450 W") == 450
    for text in ("450", 450, "450w", "0.5kW", "-1W", None):
        with pytest.raises(ValueError, match="which is not a power; write"):
            parse_power(text)


def test_tokens() -> None:
    assert parse_tokens(8192) == parse_tokens("8192") == parse_tokens("8192 tokens") == 8192
    for text in (True, 1.5, "8k", "", None, "-1"):
        with pytest.raises(ValueError, match="which is not a number of tokens; write"):
            parse_tokens(text)
