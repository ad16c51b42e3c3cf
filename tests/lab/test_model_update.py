"""The model update on real guests: evaluate two configurations of the real small model side by side, promote one, and
switch back when the new one is made to fail. One small stack of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.lab_home import lab_home_folder

pytestmark = [pytest.mark.lab, pytest.mark.slow]

CLIENT = "t-update"
NETWORK = "10.97.9.0/24"
CANDIDATE = "current,context=1024,kv=q8_0"
SECOND = "current,context=512"
CHOICE = ("--client", CLIENT, "--lab")
DROP_IN = "/etc/systemd/system/llama-cpp@chat.service.d"
TESTS = {
    "name": "lab",
    "may_leave": [],
    # What a model of 270 million parameters can do at all: the thresholds ask that it answers, the comparison that it
    # answers no worse.
    "accept": {"quality": 0.0, "total_s": 120, "quality_loss": 1.0},
    "cases": [
        {
            "name": name,
            "title": name,
            "data_class": "confidential",
            "scoring": "exact",
            "match": "contains",
            "max_tokens": 12,
            "questions": [{"ask": ask, "expected": [expected]}],
        }
        for name, ask, expected in (
            ("capital", "What is the capital of France? Answer with one word.", "Paris"),
            ("colour", "What colour is the sky on a clear day? Answer with one word.", "blue"),
            ("sum", "What is 1 + 1? Answer with one number.", "2"),
        )
    ],
}


class Client:
    """The command line as a user types it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.file = home / "clients" / CLIENT / "client.yml"
        self.workspace = home / "clients" / CLIENT / "lab"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "provision.cli.main", *arguments]
        environment = {**os.environ, "PROVISION_HOME": str(self.home)}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=3000, check=False)

    def json(self, *arguments: str, code: int = 0) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == code, (done.stdout + done.stderr)[-4000:]
        return json.loads(done.stdout)

    def served(self) -> dict[str, str]:
        """Context of all slots and cache type by instance, as the running servers' own command lines say."""
        ask = "ps -C llama-server -o args= -ww"
        done = self.run("ssh", "engine", *CHOICE, "--", ask)
        assert done.returncode == 0, done.stderr
        found = re.findall(r"--alias (\S+) .*--ctx-size (\d+) .*--cache-type-k (\S+)", done.stdout)
        return {name: f"{context} {kv}" for name, context, kv in found}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with lab_home_folder() as home:
        made = Client(home)
        assert made.run("init", CLIENT, "--profile", str(_profile(home))).returncode == 0
        made.file.write_text(re.sub(r"10\.42\.\d+\.0/24", NETWORK, made.file.read_text()))
        try:
            made.json("up", *CHOICE, "--yes")
            yield made
        finally:
            gone = made.run("down", *CHOICE)
            assert gone.returncode == 0, gone.stderr


def _profile(home: Path) -> Path:
    """cpu-small without its monitoring, which a change of the model does not touch."""
    path = home / "small.yml"
    path.write_text(
        "extends: cpu-small\nname: small\nmachines:\n"
        "  - {name: engine, kind: lxc, services: [llama_cpp], cores: 4, memory: 3GiB, disk: 12GiB, address: 11}\n"
        "  - {name: data, services: [postgresql, qdrant], cores: 1, memory: 1GiB, disk: 12GiB, address: 12}\n"
        "  - {name: apps, kind: lxc, services: [open_webui, n8n], cores: 2, memory: 6GiB, disk: 24GiB, address: 13}\n"
        "  - {name: gateway, kind: lxc, services: [caddy], cores: 1, memory: 1GiB, disk: 8GiB, address: 10}\n"
    )
    return path


def test_evaluate_promote_and_switch_back(client: Client, tmp_path: Path) -> None:
    """One after the other in one test: each step stands on the one before."""
    tests = tmp_path / "tests.yml"
    tests.write_text(json.dumps(TESTS))
    assert client.served() == {"chat": "4096 f16"}

    # Two configurations of the same real model, served at the same time; then all is as the settings say.
    evaluated = client.json("model", "evaluate", CANDIDATE, "--tests", str(tests), *CHOICE, "--yes")
    found = evaluated["evaluation"]
    assert found["arrangement"] == "side by side"
    answers = found["result"]["answers"]
    assert len(answers) == 6
    assert all(one["fate"] == "answered" and one["output_tokens"] > 0 for one in answers), answers
    assert all(0 < one["first_token_s"] <= one["total_s"] for one in answers)
    assert found["candidate_verified"] is True
    assert found["result"]["verdict"]["outcome"] == "promote", found["result"]["verdict"]
    assert client.served() == {"chat": "4096 f16"}

    # Promoted: the settings, the running server and the receipt agree.
    promoted = client.json("model", "promote", CANDIDATE, *CHOICE, "--yes")
    assert promoted["verified"]["signed"]["receipt"]["verdict"] == "passed"
    assert client.served() == {"chat": "2048 q8_0"}
    settings = client.file.read_bytes()
    assert b"q8_0" in settings

    # The next one is made to fail: on the engine's machine its server does not start with that context.
    fault = "[Service]\\nExecStartPre=/bin/sh -c '! grep -q CONTEXT_TOKENS=.1024 /etc/llama-cpp/chat.env'\\n"
    damage = f'mkdir -p {DROP_IN}; printf "{fault}" > {DROP_IN}/fault.conf; systemctl daemon-reload'
    done = client.run("ssh", "engine", *CHOICE, "--", damage)
    assert done.returncode == 0, done.stderr
    failed = client.json("model", "promote", SECOND, *CHOICE, "--yes", "--anyway", code=6)
    assert "was not promoted: the baseline is served again" in failed["errors"][0]["what"]
    assert "verify passed" in failed["errors"][0]["what"]
    assert client.file.read_bytes() == settings
    assert client.served() == {"chat": "2048 q8_0"}
    noted = (client.workspace / "promotions.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in noted] == ["promoted", "failed, switched back"]
