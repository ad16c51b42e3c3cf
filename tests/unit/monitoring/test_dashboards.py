"""The dashboards: those that the plan and the checks name, each panel made of metrics that an exporter really gives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from provision.models.monitoring import DASHBOARDS, DATA_SOURCE

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "roles/grafana/files/dashboards"
RECORDED = ROOT / "tests/fixtures/metric-names"
"""One file per job: the names that a real Prometheus had of the real programs (Debian 12's, llama-server 11434, our own
exporter), as this tells them there: curl -s 'localhost:9090/api/v1/label/__name__/values?match[]={job="node"}'.
`rules` is what Prometheus makes itself, `decision_layer` what our gateway prints, which its own tests hold to it.
A counter of errors is there only after the first one."""
KNOWN = {name for path in RECORDED.glob("*.txt") for name in path.read_text().split()}
WORDS = frozenset(
    ["and", "avg", "count", "histogram_quantile", "increase", "max", "min", "or", "rate", "sum", "time", "vector"]
)
"""Of PromQL, as far as the panels use it."""
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]


def metrics_of(expression: str) -> set[str]:
    """Names of series in PromQL: what is left without strings, label lists, durations, functions and numbers."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    return {word for word in re.findall(r"[A-Za-z_:][A-Za-z0-9_:]*", bare) if word not in WORDS}


def test_the_parser_of_this_test_finds_names_alone() -> None:
    text = 'sum by (machine) (rate(node_x_total{mode="idle"}[5m])) / on (a) llamacpp:y + vector(0) and time() > 3'
    assert metrics_of(text) == {"node_x_total", "llamacpp:y"}


def test_the_files_are_those_that_the_plan_names() -> None:
    assert sorted(BOARDS) == sorted(DASHBOARDS)
    assert {name: board["uid"] for name, board in BOARDS.items()} == {name: name for name in BOARDS}


@pytest.mark.parametrize(
    ("name", "panel"), PANELS, ids=lambda value: value if isinstance(value, str) else value["title"]
)
def test_a_panel_asks_for_metrics_that_exporters_give(name: str, panel: dict[str, Any]) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == {"type": "prometheus", "uid": DATA_SOURCE}
        asked = metrics_of(target["expr"])
        assert asked
        assert asked <= KNOWN, f"{name}, {panel['title']}: nobody gives {asked - KNOWN}"


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_their_own_place(name: str) -> None:
    places: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + column, at["y"] + row) for column in range(at["w"]) for row in range(at["h"])}
        assert not cells & places, panel["title"]
        assert at["x"] + at["w"] <= 24
        places |= cells
    assert len({panel["id"] for panel in BOARDS[name]["panels"]}) == len(BOARDS[name]["panels"])
