"""A healthy stack is green; every fault gives one red line that names the cause and the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provision.models.observation import MachineObservation
from provision.models.observation_web import WebObservation
from provision.models.plan import Plan
from provision.models.report import CheckResult
from provision.verify.checks import CHECKS
from provision.verify.judge import judge

Break = Callable[..., tuple[CheckResult, ...]]

ELSEWHERE = {
    *("embedding_answer", "monitoring", "document_cited", "dashboards", "sign_on", "trace_ingest"),
    *("challenge", "decision_chat", "decision_endpoints", "decision_record", "decision_stays_home"),
}
"""This stack has no model for embeddings, no Prometheus, vector store, Grafana, single sign-on, Langfuse or decision
layer: tests of their own break these checks (test_embeddings.py, ../monitoring, test_document.py and so on)."""
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - an observed address, nothing binds to it
MISSING_DEVICE = {
    "index": 0,
    "name": "NVIDIA GeForce RTX 4090",
    "uuid": "GPU-db729b20-5888-503b-8a11-95fb55a51fa4",
    "memory": {"total_mib": 24564, "used_mib": 188, "free_mib": 23892, "reserved_mib": 484},
    "errors": {},
}

FAULTS: dict[str, tuple[str, dict[str, Any] | None, str, tuple[str, ...], tuple[str, ...]]] = {
    # name: machine, changed values, the one red check, words of its message, words of its next step
    "card-missing": (
        "engine",
        {"gpu.devices": [MISSING_DEVICE], "gpu.cuda.device_count": 1},
        "gpu_visible",
        ("card missing: card 1", "GPU-ea5fda5f-c3e9-5128-a42d-b66b3ea866ef"),
        ("nvidia-smi -L", "simulated"),
    ),
    "driver-mismatch": (
        "engine",
        {
            "gpu.nvml": {"ok": False, "code": 18, "text": "Driver/library version mismatch"},
            "gpu.devices": [],
            "gpu.cuda": {"ok": False, "code": 803, "text": "system driver mismatch"},
            "gpu.kernel_module_version": "570.148.08-simulated",
        },
        "driver_match",
        ("driver/library mismatch (NVML error 18)", "570.148.08"),
        ("install version 570.148.08 of the user-space driver in 'engine'", "simulated"),
    ),
    "driver-mismatch without error 18": (
        "engine",
        {"gpu.kernel_module_version": "570.148.08-simulated"},
        "driver_match",
        ("driver/library mismatch", "580.126.18", "570.148.08"),
        ("hold it",),
    ),
    "nvml-missing": (
        "engine",
        {
            "gpu.nvml": {"ok": False, "code": None, "text": "libnvidia-ml.so.1: cannot open shared object file"},
            "gpu.devices": [],
        },
        "gpu_visible",
        ("NVML does not load", "cannot open"),
        ("user-space libraries",),
    ),
    "other card": (
        "engine",
        {"gpu.devices.1.name": "NVIDIA GeForce RTX 3090"},
        "gpu_visible",
        ("card 1 is NVIDIA GeForce RTX 3090",),
        ("hardware.gpus",),
    ),
    "uvm-missing": (
        "engine",
        {
            "gpu.cuda": {"ok": False, "code": 999, "text": "unknown error", "device_count": None},
            "gpu.device_nodes": [{"path": "/dev/nvidia0", "mode": "0660", "uid": 0, "gid": 44}],
            "gpu.devices.0.memory.used_mib": 0,
            "gpu.devices.1.memory.used_mib": 0,
        },
        "cuda_init",
        ("999", "NVML lists 2 cards", "/dev/nvidia-uvm is missing in 'engine'"),
        ("nvidia-modprobe -u -c 0", "simulated"),
    ),
    "uvm-unusable": (
        "engine",
        {"gpu.cuda": {"ok": False, "code": 999, "text": "unknown error", "device_count": None}},
        "cuda_init",
        ("999", "/dev/nvidia-uvm is there (mode 0660, 0:44)"),
        ("nvidia-modprobe -u -c 0", "major number"),
    ),
    "ecc on": (
        "engine",
        {"gpu.devices.0.memory.total_mib": 23028},
        "vram_total",
        ("23028 MiB",),
        ("hardware.gpus", "ECC"),
    ),
    "cpu-only": (
        "engine",
        {"gpu.devices.0.memory.used_mib": 0, "gpu.devices.1.memory.used_mib": 0},
        "vram_planned",
        ("nothing on the card: chat runs on the CPU only",),
        ("provision logs engine", "simulated"),
    ),
    "wrong-card": (
        "engine",
        {"gpu.devices.0.memory.used_mib": 0, "gpu.devices.1.memory.used_mib": 379},
        "vram_planned",
        ("wrong card: chat is on card 1",),
        ("with card 0",),
    ),
    "vram-held after the load": (
        "engine",
        {"gpu.devices.0.memory.used_mib": 188 + 8192},
        "vram_planned",
        ("another process holds 8188 MiB", "engine's own 188 MiB are as planned"),
        ("nvidia-smi", "simulated"),
    ),
    "vram-held before the load": (
        "engine",
        {
            "gpu.devices.0.memory.used_mib": 188 + 8192,
            "vram_before.0.gpu.devices.0.memory.used_mib": 8192,
        },
        "vram_planned",
        ("another process holds 8192 MiB: it was there before the load",),
        ("nvidia-smi",),
    ),
    "engine given one card only": (
        "engine",
        {"engines.0.process.cuda_visible_devices": "GPU-ea5fda5f-c3e9-5128-a42d-b66b3ea866ef"},
        "model_resident",
        ("wrong card: CUDA_VISIBLE_DEVICES is 'GPU-ea5fda5f", "card 1"),
        ("provision up",),
    ),
    "other model": (
        "engine",
        {"engines.0.props.model_path": "/var/lib/llama-cpp/models/other.gguf"},
        "model_resident",
        ("it serves other.gguf",),
        ("provision up",),
    ),
    "context shrunk": (
        "engine",
        {"engines.0.props.context_tokens": 1024},
        "engine_flags",
        ("1024 tokens in each of 2 slots",),
        ("provision up",),
    ),
    "stuck engine": (
        "engine",
        {"engines.0.speed.predicted_tok_s": 0.2},
        "tokens_per_second",
        ("0.2 tokens/s",),
        ("is the machine busy",),
    ),
    "service down": (
        "apps",
        {"units.1.active_state": "failed", "units.1.sub_state": "failed", "units.1.result": "exit-code"},
        "service_health",
        ("n8n.service is failed", "exit-code"),
        ("provision logs apps --unit n8n.service",),
    ),
    "crash loop": (
        "apps",
        {"units.0.restarts": 14},
        "service_health",
        ("restarted 14 times",),
        ("provision logs apps --unit open-webui.service",),
    ),
    "service as root": (
        "gateway",
        {"units.0.process_user": "root"},
        "service_health",
        ("caddy.service runs as root",),
        ("User=",),
    ),
    "service as root, its process not known": (
        "data",
        {"units.0.process_user": None},
        "service_health",
        ("postgresql@15-main.service runs as root",),
        ("User=",),
    ),
    "process older than its configuration": (
        "apps",
        {"units.1.config_changed_unix_s": 1795317060, "units.1.config_changed_path": "/etc/n8n/env"},
        "service_health",
        (
            "the running process is older than its configuration: /etc/n8n/env was changed at 2026-11-22 03:11:00 UTC",
            "n8n.service last read its files at 2026-11-22 03:10:00 UTC",
        ),
        ("provision up restarts", "provision ssh apps -- systemctl restart n8n.service"),
    ),
    "changed after the last reload": (
        "gateway",
        {
            "units.0.config_read_unix_s": 1795320000,
            "units.0.config_changed_unix_s": 1795320001,
            "units.0.config_changed_path": "/etc/caddy/Caddyfile",
        },
        "service_health",
        ("/etc/caddy/Caddyfile was changed",),
        ("systemctl restart caddy.service",),
    ),
    "process of the release before": (
        "engine",
        {"units.0.config_changed_unix_s": 1795317001, "units.0.config_changed_path": "/opt/llama-cpp/current"},
        "service_health",
        ("/opt/llama-cpp/current was changed",),
        ("provision up",),
    ),
    "other release": (
        "apps",
        {"releases.1.current": "0.12.3-000000000000"},
        "releases",
        ("/opt/open-webui/current points at 0.12.3-000000000000",),
        ("provision up installs the planned release",),
    ),
    "release gone": (
        "engine",
        {"releases.0.error": "/opt/llama-cpp/current points at releases/x, which is not there"},
        "releases",
        ("no release is current", "which is not there"),
        ("provision up",),
    ),
    "never installed": (
        "apps",
        {"releases": []},
        "releases",
        ("the probe found no /opt/open-webui/current",),
        ("provision up",),
    ),
    "active but silent": (
        "apps",
        {"http.0.ok": False, "http.0.status": None, "http.0.error": "timed out"},
        "service_health",
        ("http://10.42.0.13:8080/health does not answer: timed out",),
        ("provision logs apps",),
    ),
    "engine unhealthy": (
        "engine",
        {"engines.0.health.ok": False, "engines.0.health.status": 503},
        "service_health",
        ("HTTP 503",),
        ("llama-cpp@chat.service",),
    ),
    "all addresses": (
        "data",
        {"listeners.sockets.2.address": ALL_ADDRESSES},
        "listeners",
        ("postgresql@15-main.service listens on 0.0.0.0:5432/tcp: all addresses instead of 10.42.0.12",),
        ("bind it to loopback",),
    ),
    "unplanned listener": (
        "gateway",
        {"listeners.sockets.2": {"protocol": "tcp", "address": "10.42.0.10", "port": 2019, "unit": "caddy.service"}},
        "listeners",
        ("caddy.service listens on 10.42.0.10:2019/tcp: not planned",),
        ("provision up",),
    ),
    "unplanned udp": (
        "apps",
        {"listeners.sockets.5": {"protocol": "udp", "address": ALL_ADDRESSES, "port": 5355, "process": "resolved"}},
        "listeners",
        ("resolved listens on 0.0.0.0:5355/udp: not planned",),
        ("stop the service",),
    ),
    "port open": (
        "web",
        {"ports.1.open": [22, 5432]},
        "ports_outside",
        ("open although not planned: 5432",),
        ("nft list ruleset",),
    ),
    "port closed": (
        "web",
        {"ports.3.open": [22, 443]},
        "ports_outside",
        ("closed although planned: 8443",),
        ("firewall",),
    ),
    "egress": (
        "apps",
        {"egress.1.outcome": "connected", "egress.1.error": None},
        "no_egress",
        ("n8n to 192.0.2.1:443 connected",),
        ("nft list chain inet provision output",),
    ),
    "tls untrusted": (
        "web",
        {"tls.0.trusted": False, "tls.0.trusted_error": "certificate has expired"},
        "tls",
        ("https://10.42.0.10/ is not trusted", "certificate has expired"),
        ("provision logs gateway --unit caddy.service",),
    ),
    "tls accepted by anyone": (
        "web",
        {"tls.1.refused_without_ca": False},
        "tls",
        ("accepted without the stack's CA",),
        ("issuer",),
    ),
    "login fails": (
        "web",
        {"chat.sign_in.status": 400, "chat.sign_in.detail": "wrong password", "chat.models": [], "chat.answers": []},
        "chat_login",
        ("cannot sign in: HTTP 400, wrong password",),
        ("vault",),
    ),
    "sign-up open": ("web", {"chat.sign_up.status": 200}, "chat_login", ("stranger can sign up",), ("ENABLE_SIGNUP",)),
    "any password": ("web", {"chat.wrong_password.status": 200}, "chat_login", ("not refused",), ("open-webui",)),
    "model not offered": (
        "web",
        {"chat.models": [], "chat.answers": []},
        "chat_answer",
        ("does not offer the model 'chat'; it offers: none",),
        ("open-webui.service",),
    ),
    "no answer": (
        "web",
        {"chat.answers.0.step.status": 502, "chat.answers.0.text": "", "chat.answers.0.completion_tokens": None},
        "chat_answer",
        ("no answer: HTTP 502",),
        ("provision logs engine",),
    ),
    "workflow off": (
        "web",
        {"workflow.run.status": 404, "workflow.run.detail": "not registered", "workflow.model": ""},
        "workflow_run",
        ("does not run: HTTP 404, not registered",),
        ("published",),
    ),
    "workflow open": (
        "web",
        {"workflow.wrong_key.status": 200},
        "workflow_run",
        ("a wrong key is not refused",),
        ("credential",),
    ),
    "another class": (
        "web",
        {"workflow.documents.1.document_class": "love letter"},
        "document_class",
        ("'love letter' is none of the firm's",),
        ("n8n.service",),
    ),
    "no summary": (
        "web",
        {"workflow.documents.0.summary": ""},
        "document_class",
        ("has no summary",),
        ("n8n.service",),
    ),
    "another model": (
        "web",
        {"workflow.documents.0.model": "gpt"},
        "document_class",
        ("names no planned model: 'gpt'",),
        ("n8n.service",),
    ),
    "not classified": (
        "web",
        {"workflow.documents.0.step.status": 502, "workflow.documents.0.step.detail": "not in JSON"},
        "document_class",
        ("not classified: HTTP 502, not in JSON",),
        ("n8n.service",),
    ),
    "report does not run": (
        "web",
        {"workflow.report.step.status": 500},
        "model_report",
        ("does not run: HTTP 500",),
        ("n8n.service",),
    ),
    "report without a model": (
        "web",
        {"workflow.report.engines.0.engine": "other"},
        "model_report",
        ("chat is not in the report",),
        ("chat_answer",),
    ),
    "report of an ill model": (
        "web",
        {"workflow.report.engines.0.answered": False, "workflow.report.engines.0.problem": "refused"},
        "model_report",
        ("chat: refused",),
        ("chat_answer",),
    ),
    "owner locked out": (
        "web",
        {"workflow.editor_login.status": 401},
        "workflow_run",
        ("owner cannot sign in",),
        ("n8n.service",),
    ),
    "machine silent": (
        "data",
        None,
        "machine_answers",
        ("no answer over ssh",),
        ("provision status", "start 'data'"),
    ),
    "probe broken": (
        "apps",
        {"error": "/etc/provision-probe/config.json: not a JSON object"},
        "machine_answers",
        ("the probe could not work",),
        ("provision up",),
    ),
}


def failed(checks: tuple[CheckResult, ...]) -> list[CheckResult]:
    return [check for check in checks if check.status == "failed"]


def test_healthy_stack_is_green(plan: Plan, observations: dict[str, MachineObservation], web: WebObservation) -> None:
    checks = judge(plan, observations, web)
    assert [check for check in checks if check.status != "passed"] == []
    assert {check.id for check in checks} == {check.id for check in CHECKS} - ELSEWHERE


def test_same_evidence_same_results(
    plan: Plan, observations: dict[str, MachineObservation], web: WebObservation
) -> None:
    assert judge(plan, observations, web) == judge(plan, dict(reversed(observations.items())), web)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_names_its_cause_and_the_next_step(fault: str, judge_broken: Break) -> None:
    machine, changes, check, cause, step = FAULTS[fault]
    checks = judge_broken(machine, changes)
    red = failed(checks)
    assert {result.id for result in red} == {check}
    for words in cause:
        assert words in red[0].measured
    for words in step:
        assert words in red[0].hint
    assert all(result.expected and result.hint for result in red)


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_skipped_without_a_reason(fault: str, judge_broken: Break) -> None:
    machine, changes, check, _, _ = FAULTS[fault]
    for result in judge_broken(machine, changes):
        if result.status == "skipped":
            assert result.measured
            assert check in result.measured or "see " in result.measured


def test_every_check_can_fail() -> None:
    assert {fault[2] for fault in FAULTS.values()} == {check.id for check in CHECKS} - ELSEWHERE


@pytest.mark.parametrize("fault", ["cpu-only", "wrong-card", "vram-held after the load"])
def test_one_red_line_for_one_cause(fault: str, judge_broken: Break) -> None:
    machine, changes, _, _, _ = FAULTS[fault]
    assert len(failed(judge_broken(machine, changes))) == 1


def test_simulated_cards_are_marked(judge_broken: Break) -> None:
    marked = {check.id for check in judge_broken("engine", {}) if check.simulated}
    assert marked == {
        "driver_match",
        "gpu_visible",
        "cuda_init",
        "vram_total",
        "vram_planned",
        "model_resident",
        "engine_flags",
        "tokens_per_second",
        "chat_answer",
    }


def test_registry_has_unique_ids_and_needs_come_first() -> None:
    ids = [check.id for check in CHECKS]
    assert len(ids) == len(set(ids))
    for place, check in enumerate(CHECKS):
        assert set(check.needs) <= set(ids[:place]), check.id


MAY_BE_MISSING = {"machine", "vram_before", "http"}
"""Facts for the reader only, or something else still measures the same."""
SECTIONS = ("machine", "gpu", "units", "releases", "listeners", "engines", "http", "vram_before", "egress")


@pytest.mark.parametrize("machine", ["engine", "data", "apps", "gateway"])
@pytest.mark.parametrize("section", SECTIONS)
def test_a_missing_section_is_a_failure_and_never_an_exception(
    machine: str, section: str, judge_broken: Break, observations: dict[str, MachineObservation]
) -> None:
    was_there = bool(getattr(observations[machine], section))
    checks = judge_broken(machine, {section: None})
    if was_there and section not in MAY_BE_MISSING:
        assert failed(checks)
    for check in failed(checks):
        assert check.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"units.0.config_changed_unix_s": 1795317000},
        {"units.0.config_changed_unix_s": 1795319000, "units.0.config_read_unix_s": 1795319001},
        {"units.0.config_changed_unix_s": None, "units.0.config_changed_path": None},
        {"units.0.config_changed_unix_s": 1795319000, "units.0.config_read_unix_s": None},
    ],
    ids=["same second", "reloaded since", "change not known", "reading not known"],
)
def test_a_process_that_is_not_known_to_be_older_is_no_alarm(changes: dict[str, Any], judge_broken: Break) -> None:
    assert failed(judge_broken("gateway", changes)) == []


def test_a_missing_release_explains_a_service_that_is_down(judge_broken: Break) -> None:
    changes = {"releases.0.error": "gone", "units.1.active_state": "failed", "units.1.sub_state": "failed"}
    checks = judge_broken("apps", changes)
    assert [check.title for check in failed(checks)] == ["Release, n8n"]
    down = next(check for check in checks if check.title == "Service, n8n")
    assert (down.status, down.measured) == ("skipped", "follows from releases on apps: no release is current: gone")


def test_who_really_runs_a_service_is_told(judge_broken: Break) -> None:
    told = {check.title: check.measured for check in judge_broken("data", {}) if check.id == "service_health"}
    assert "as postgres" in told["Service, postgresql@15-main"]


@pytest.mark.parametrize("part", ["tls", "chat", "workflow", "ports"])
def test_a_missing_probe_from_outside_is_a_failure(part: str, judge_broken: Break) -> None:
    empty: list[str] | None = None if part in {"chat", "workflow"} else []
    assert failed(judge_broken("web", {part: empty}))


def test_nobody_answers(plan: Plan, web: WebObservation) -> None:
    checks = judge(plan, {}, web)
    assert {check.id for check in failed(checks)} == {"machine_answers"}
    assert all("machine_answers" in check.measured for check in checks if check.status == "skipped")


def test_how_long_a_measurement_took_is_kept(judge_broken: Break) -> None:
    times = {check.id: check.duration_s for check in judge_broken("engine", {})}
    assert times["chat_answer"] == 1.4
    assert times["tokens_per_second"] == 0.78


def test_why_a_guest_is_silent_is_said_where_its_node_knows(
    plan: Plan, observations: dict[str, MachineObservation], web: WebObservation
) -> None:
    why = "guest 42011 is stopped on its node and cannot start, the node lacks /dev/nvidia-uvm"
    silent = {name: seen for name, seen in observations.items() if name != "engine"}
    checks = judge(plan, silent, web, {"engine": why})
    (answers,) = [check for check in failed(checks) if check.machine == "engine"]
    assert answers.measured == f"no answer over ssh: {why}"
    followers = [check for check in checks if check.machine == "engine" and check is not answers]
    assert followers
    assert all(check.status == "skipped" and why[:40] in check.measured for check in followers)
