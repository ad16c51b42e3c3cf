"""The tables of cards and models: readable at 100 columns, with what matters before a purchase."""

from __future__ import annotations

from collections.abc import Callable

from provision.catalog import load_catalog
from provision.ui.catalogue_tables import render_gpus, render_models

CATALOG = load_catalog()
WIDTH = 100


def rows_of(shown: str) -> dict[str, str]:
    """The first line of each row, by its first word."""
    return {line.split()[0]: line for line in shown.splitlines() if line[:1].strip()}


def test_cards_show_speed_link_and_what_is_estimated(show: Callable[..., str]) -> None:
    shown = show(render_gpus(CATALOG.gpus.values()), WIDTH)
    rows = rows_of(shown)
    assert CATALOG.gpus.keys() <= rows.keys()
    assert rows["h100-sxm"].split()[-9:] == ["HBM3", "81559", "81121", "3350", "989", "700", "5", "x16", "900"]
    assert rows["a10"].split()[-8:] == ["23028", "~22258", "600", "125", "150", "4", "x16", "-"]
    assert rows["h100-pcie"].split()[-1] == "bridge"
    assert "…" not in shown


def test_models_show_size_files_and_licence(show: Callable[..., str]) -> None:
    shown = show(render_models(CATALOG.models.values()), WIDTH)
    rows = rows_of(shown)
    assert CATALOG.models.keys() <= rows.keys()
    for part in ("70.6B", "128k", "q4_k_m 40, q8_0 70", "Llama 3.3 Community"):
        assert part in rows["llama3.3-70b"]
    assert rows["mixtral-8x22b"].split()[1:3] == ["141B", "39.2B"]
    assert "1600B" in rows["deepseek-v4-pro"]
    assert "size not known" in rows["deepseek-v4-pro"]
    assert "fp4_fp8 149" in rows["deepseek-v4-flash"]
    assert "…" not in shown


def test_what_may_forbid_a_use_stands_below(show: Callable[..., str]) -> None:
    below = show(render_models(CATALOG.models.values()), WIDTH).split("--json")[1]
    assert "llama4-scout-17b-16e: not licensed to persons living in" in below
    assert "mistral-large-2407: non-commercial" in below
    assert "ollama does not serve: " in below
    assert "codestral-mamba-7b" in below.split("ollama does not serve: ")[1]
    assert "vllm does not serve" not in below
