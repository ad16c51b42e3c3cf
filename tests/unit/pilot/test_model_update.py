"""Evaluate and promote, with `bring_up` in a stand-in's hands: what is served when, and what a failure leaves.

The whole way on real guests is tests/lab/test_model_update.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provision.cli.main import run
from provision.errors import ErrorGroup, RunError
from provision.inventory.secrets import api_key_of
from provision.models.plan import Plan
from provision.pipeline import model_evaluate, model_promote
from provision.pipeline.engine_bridge import REMOTE
from provision.pipeline.model_spec import read_spec
from provision.pipeline.options import Options, choose_profile, open_chosen_workspace
from provision.pipeline.planning import plan_chosen
from provision.profile import load_profile
from tests.stand_ins.openai_server import StandIn, serve
from tests.unit.pilot.files import use_cases, write

CLIENT = "acme"


class Stack:
    """Stands in for `bring_up`: plans as it does, notes what is served, and fails for models that it is told."""

    def __init__(self) -> None:
        self.served: list[list[str]] = []
        self.failing: Callable[[Plan], bool] = lambda plan: False
        self.unverified: Callable[[Plan], bool] = lambda plan: False

    def bring_up(self, options: Options, _report: Any, confirm: Any) -> Any:
        plan = plan_chosen(choose_profile(options), options)
        assert confirm(plan, None)
        self.served.append([f"{item.name} {item.context_tokens // item.parallel} {item.kv}" for item in plan.engines])
        if self.failing(plan):
            raise ErrorGroup([RunError("the unit did not become ready", where="engine", hint="its journal")])
        verdict = "failed" if self.unverified(plan) else "passed"
        signed = SimpleNamespace(receipt=SimpleNamespace(verdict=verdict))
        verified = SimpleNamespace(passed=verdict == "passed", receipt_file="receipt.json", signed=signed)
        return SimpleNamespace(plan=plan, verified=verified)


def prompt_reply(asked: str, body: dict[str, Any]) -> str:
    return "Paris" if "capital" in asked else "something"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Stack]:
    """A client, and engines that answer behind the bridge: one server for all of them."""
    made = Stack()
    assert run(["init", CLIENT, "--profile", "cpu-small"]) == 0
    capsys.readouterr()
    with serve(StandIn(models=("chat", "chat-next"), reply=prompt_reply)) as engine:
        host, port = engine.url.removeprefix("http://").removesuffix("/v1").split(":")
        remote = ["python3", "-c", REMOTE, host, port]
        monkeypatch.setattr(model_evaluate, "bridge_command", lambda plan, engine: remote)
        monkeypatch.setattr(model_evaluate, "bring_up", made.bring_up)
        monkeypatch.setattr(model_promote, "bring_up", made.bring_up)
        options = Options(client=CLIENT, lab=True)
        keys = {api_key_of(item).name: "k" for item in plan_chosen(choose_profile(options), options).engines}
        monkeypatch.setattr(
            model_evaluate, "read_secrets", lambda workspace: {**keys, "llama_cpp_api_key_chat_next": "k"}
        )
        yield made


def exact_tests(tmp_path: Path) -> Path:
    case = {
        "title": "A fact",
        "data_class": "public",
        "scoring": "exact",
        "questions": [{"ask": "Name the capital of France.", "expected": ["paris"]}],
    }
    cases = [case | {"name": name} for name in ("one", "two", "three")]
    return write(tmp_path, use_cases(cases=cases, judge=None), [])[0]


def evaluate(tmp_path: Path, *more: str, code: int = 0, capsys: pytest.CaptureFixture[str]) -> Any:
    argv = ["model", "evaluate", "current,context=1024,kv=q8_0", "--tests", str(exact_tests(tmp_path))]
    assert run([*argv, "--client", CLIENT, "--lab", "--yes", "--json", *more]) == code
    return json.loads(capsys.readouterr().out)


def promote(*more: str) -> int:
    return run(["model", "promote", "current,context=1024,kv=q8_0", "--client", CLIENT, "--lab", "--yes", *more])


def client_file(tmp_path: Path) -> Path:
    return tmp_path / "home/clients" / CLIENT / "client.yml"


def test_both_are_served_side_by_side_and_then_all_is_as_before(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = client_file(tmp_path).read_bytes()
    found = evaluate(tmp_path, capsys=capsys)["evaluation"]
    assert stack.served == [["chat 2048 f16", "chat-next 1024 q8_0"], ["chat 2048 f16"]]
    assert found["arrangement"] == "side by side"
    assert found["result"]["verdict"]["outcome"] == "promote"
    assert {one["target"] for one in found["result"]["answers"]} == {"baseline", "candidate"}
    assert all(one["fate"] == "answered" for one in found["result"]["answers"])
    assert client_file(tmp_path).read_bytes() == before


def test_in_a_window_one_is_served_after_the_other(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluate(tmp_path, "--window", capsys=capsys)["evaluation"]
    assert stack.served == [["chat 2048 f16"], ["chat 1024 q8_0"], ["chat 2048 f16"]]
    assert found["arrangement"] == "one after the other"
    assert len(found["result"]["answers"]) == 6


def test_where_both_do_not_fit_the_window_is_chosen(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluate(tmp_path, "--set", "machines.engine.memory=1900MiB", capsys=capsys)["evaluation"]
    assert found["arrangement"] == "one after the other"
    assert found["arranged_because"].startswith("they do not fit at once: ")


def test_a_candidate_that_cannot_be_served_leaves_the_stack_as_it_was(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.failing = lambda plan: len(plan.engines) == 2
    document = evaluate(tmp_path, code=6, capsys=capsys)
    assert "the stack is back on the client's settings" in document["errors"][0]["what"]
    assert "did not become ready" in document["errors"][1]["what"]
    assert stack.served[-1] == ["chat 2048 f16"]


def test_a_stack_that_does_not_verify_with_the_candidate_keeps_the_baseline(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.unverified = lambda plan: len(plan.engines) == 2
    found = evaluate(tmp_path, capsys=capsys)["evaluation"]
    assert found["result"]["verdict"]["outcome"] == "keep"
    assert promote() == 2
    assert "is not to be promoted" in capsys.readouterr().err


def test_promote_changes_the_clients_settings_and_nothing_else(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote() == 2
    assert "nobody has evaluated it" in capsys.readouterr().err
    evaluate(tmp_path, capsys=capsys)
    options, before = Options(client=CLIENT, lab=True), client_file(tmp_path).read_text()
    promotion = model_promote.prepare_promotion(options, "current,context=1024,kv=q8_0", None, anyway=False)
    model_promote.promote(options, promotion, lambda event: None, lambda *_: True)
    assert stack.served[-1] == ["chat 1024 q8_0"]
    assert client_file(tmp_path).read_text().startswith(before)
    model = choose_profile(options).loaded.profile.workload.models[0]
    assert (model.context, model.kv, model.parallel) == (1024, "q8_0", 2)
    assert promote() == 2
    assert "served already" in capsys.readouterr().err
    noted = [
        json.loads(line) for line in (client_file(tmp_path).parent / "lab/promotions.jsonl").read_text().splitlines()
    ]
    assert [entry["outcome"] for entry in noted] == ["promoted"]


@pytest.mark.parametrize("way", ["failing", "unverified"])
def test_a_promotion_that_fails_is_switched_back(
    way: str, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(tmp_path, capsys=capsys)
    before = client_file(tmp_path).read_bytes()
    setattr(stack, way, lambda plan: plan.engines[0].kv == "q8_0")
    assert promote() == 6
    shown = capsys.readouterr().err
    assert "was not promoted: the baseline is served again" in shown
    assert client_file(tmp_path).read_bytes() == before
    assert stack.served[-2:] == [["chat 1024 q8_0"], ["chat 2048 f16"]]


def test_where_the_switch_back_fails_too_it_is_said(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(tmp_path, capsys=capsys)
    before = client_file(tmp_path).read_bytes()
    stack.failing = lambda plan: True
    assert promote() == 6
    assert "is not back either" in capsys.readouterr().err
    assert client_file(tmp_path).read_bytes() == before


def test_what_is_not_confirmed_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    options = Options(client=CLIENT, lab=True)
    before = client_file(tmp_path).read_bytes()
    promotion = model_promote.prepare_promotion(options, "current,context=1024", None, anyway=True)
    with pytest.raises(AssertionError):
        model_promote.promote(options, promotion, lambda event: None, lambda *_: False)
    assert client_file(tmp_path).read_bytes() == before
    assert stack.served == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("current,contxt=5", "'contxt=5' is no setting"),
        ("current,context=many", "context"),
        ("current,kv=q9", "kv"),
        ("no such model", "model"),
        ("current", "are the same"),
    ],
)
def test_a_bad_spec_is_told(
    spec: str, words: str, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["model", "evaluate", spec, "--tests", str(exact_tests(tmp_path)), "--client", CLIENT, "--lab", "--yes"]
    assert run(argv) == 2
    assert words in capsys.readouterr().err
    assert stack.served == []


def test_only_a_client_can_be_promoted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "promote", "current,context=1024"]) == 2
    assert "only a client" in capsys.readouterr().err


def test_a_spec_names_model_and_quant() -> None:
    serving = load_profile("sme-2x4090").profile.workload.models[0]
    found = read_spec("qwen3-32b:q5_k_m,parallel=4", serving, "CANDIDATE")
    assert (found.model, found.quant, found.parallel, found.name) == ("qwen3-32b", "q5_k_m", 4, serving.name)


def test_the_workspace_is_the_targets_own(stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = evaluate(tmp_path, capsys=capsys)["files"]
    folder = open_chosen_workspace(Options(client=CLIENT, lab=True), CLIENT).folder
    assert Path(files["evaluation"]).parent == folder / "evaluations"
    assert Path(files["report"]).read_text().startswith("<!doctype html>")
