"""The whole stack from each built-in profile and with each engine that test_stack.py has not: up, and again without a
change. `-s` shows the seconds of each stage."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from provision.lab import bundles, small_model
from provision.pipeline.artifacts import gather_artifacts
from provision.pipeline.clients import init_client
from provision.pipeline.options import Options
from provision.pipeline.planning import make_plan
from provision.pipeline.stages import StageClock
from provision.places import find_cache
from tests.lab.lab_home import lab_home_folder
from tests.lab.standing import Stack
from tests.unit.planner.tracing import documented_machine

BUILTIN = Path(__file__).parents[2] / "provision" / "profile" / "builtin"
pytestmark = [pytest.mark.lab, pytest.mark.slow]


class Case(NamedTuple):
    profile: str
    network: str
    engine: str = "llama_cpp"
    settings: tuple[str, ...] = ()
    traced: bool = False

    def choose(self, folder: Path) -> tuple[str, ...]:
        """Words for the command line; a profile with tracing is written into the folder, under the same name."""
        settings = (f"network.cidr={self.network}", *self.settings)
        profile = self._write_traced(folder) if self.traced else self.profile
        return ("--profile", profile, *(word for one in settings for word in ("--set", one)), "--lab")

    def _write_traced(self, folder: Path) -> str:
        profile = yaml.safe_load((BUILTIN / f"{self.profile}.yml").read_text(encoding="utf-8"))
        profile["machines"].append(documented_machine())
        path = folder / f"{self.profile}.yml"
        path.write_text(yaml.safe_dump(profile), encoding="utf-8")
        return str(path)


OLLAMA = ("machines.0.services=[ollama]", "workload.models.0.engine=ollama")
VLLM = (
    "machines.0.services=[vllm]",
    "workload.models.0.engine=vllm",
    "workload.models.0.quant=awq_int4",
    "workload.models.0.kv=fp8",
)
SEVERAL = (
    "workload.models=[{name: chat, model: qwen3-8b, quant: q4_k_m, context: 8192, replicas: 2, gpus: [0, 1]},"
    " {name: vectors, model: bge-m3, quant: f16, context: 8192, gpus: [1]}]",
)
"""Two servers of one model behind a balancer, and one that makes vectors of documents."""
CASES = {
    "hetzner-rtx6000": Case("hetzner-rtx6000", "10.96.46.0/24"),
    "scaleway-h100": Case("scaleway-h100", "10.96.47.0/24"),
    "cpu-small": Case("cpu-small", "10.96.48.0/24"),
    "ollama": Case("sme-2x4090", "10.96.49.0/24", "ollama", OLLAMA),
    "vllm": Case("sme-2x4090", "10.96.50.0/24", "vllm", VLLM),
    "several-models": Case("sme-2x4090", "10.96.54.0/24", settings=SEVERAL),
    "langfuse": Case("sme-2x4090", "10.96.51.0/24", traced=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_up_is_green_and_up_again_changes_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    with lab_home_folder() as home:
        choice = case.choose(home)
        stack = Stack(home, choice, case.profile)
        try:
            first = stack.json("up", "--yes")
            _print_stages("first", first)
            receipt = _receipt(first)
            assert receipt["verdict"] == "passed", json.dumps(receipt["checks"], indent=1)
            assert receipt["simulated"] is (case.profile != "cpu-small")
            plan = stack.plan()
            running = {service["name"] for service in plan["services"]}
            assert running >= {case.engine, "postgresql", "qdrant", "open_webui", "n8n", "caddy", "prometheus"}
            assert {engine["service"] for engine in plan["engines"]} == {case.engine}
            again = stack.json("up", "--yes", "--full")
            _print_stages("again", again)
            assert again["changed"] == 0
            assert again["unchanged_since"] is None
            assert _receipt(again)["verdict"] == "passed"
            on_a_node = case.profile in ("cpu-small", "sme-2x4090")
            assert (plan["proxmox"] is None) == (not on_a_node)
            _has_nothing_to_fetch("second", case.profile, monkeypatch)
        finally:
            gone = stack.run("down", *choice)
            assert gone.returncode == 0, gone.stderr


def _print_stages(name: str, result: dict[str, Any]) -> None:
    print(name, " ".join(f"{stage['stage']} {stage['seconds']:.1f}" for stage in result["stages"]))


def _has_nothing_to_fetch(client: str, profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another client of the same release set on this machine: no builder, no download, and so no time."""

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("a second client builds or fetches something")

    monkeypatch.setattr(bundles, "builder_guest", refuse)
    monkeypatch.setattr(small_model, "run", refuse)
    init_client(client, profile)
    plan = make_plan(Options(client=client, lab=True)).plan
    before, started = sorted(find_cache().rglob("*")), time.monotonic()
    given = gather_artifacts(plan, StageClock(lambda _: None))
    assert time.monotonic() - started < 10
    assert len(given.bundles) >= 3
    assert sorted(find_cache().rglob("*")) == before


def _receipt(result: dict[str, Any]) -> dict[str, Any]:
    return dict(result["verified"]["signed"]["receipt"])
