"""The two files of a pilot as tests need them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def use_cases(**changes: Any) -> dict[str, Any]:
    """Three use cases: one that may leave, two that stay; one of each way of scoring."""
    whole: dict[str, Any] = {
        "name": "firm",
        "judge": "judge",
        "may_leave": ["public"],
        "accept": {"quality": 0.7, "total_s": 30},
        "cases": [
            {
                "name": "capital",
                "title": "A fact",
                "data_class": "public",
                "scoring": "exact",
                "match": "contains",
                "questions": [{"ask": "Name the capital of France.", "expected": ["Paris"]}],
            },
            {
                "name": "letter",
                "title": "A client's letter",
                "data_class": "confidential",
                "task": "communication",
                "scoring": "rubric",
                "questions": [{"ask": "Answer the client.", "rubric": "polite, names the date"}],
            },
            {
                "name": "summary",
                "title": "A summary",
                "data_class": "confidential",
                "scoring": "human",
                "questions": [{"ask": "Sum it up."}, {"ask": "=SUM(A1)"}],
            },
        ],
    }
    return whole | changes


def target(name: str, url: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "zone": "home", "base_url": url, "model": "chat"} | changes


PRICE = {
    "currency": "EUR",
    "input_per_million": 2.0,
    "output_per_million": 8.0,
    "source": "a test's own",
    "date": "2026-11-30",
}


def write(folder: Path, tests: dict[str, Any], targets: list[dict[str, Any]]) -> tuple[Path, Path]:
    paths = folder / "tests.yml", folder / "targets.yml"
    paths[0].write_text(json.dumps(tests, indent=1))  # JSON is YAML
    paths[1].write_text(json.dumps({"targets": targets}, indent=1))
    return paths
