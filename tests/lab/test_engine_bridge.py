"""The bridge to a model server in a real guest whose sshd forwards nothing (roles/base): one by one, many at once."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from provision.errors import ErrorGroup
from provision.lab.lab import destroy_lab, ensure_lab
from provision.lab.readiness import ssh_argv
from provision.lab.requirements import missing_requirements
from provision.models.lab import LabGuest, LabHost, LabSpec
from provision.models.pilot import Target, TestSet
from provision.pilot.run import run_tests
from provision.pilot.ways import Way
from provision.pipeline.engine_bridge import bridge, remote_command
from tests.lab.lab_home import lab_home_folder
from tests.unit.pilot.files import use_cases

pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(missing_requirements()), reason="no lab on this machine")]

NAME, PORT = "t-bridge", 8081
SPEC = LabSpec(
    name=NAME, network=IPv4Network("10.91.7.0/24"), guests=(LabGuest(name="engine", address=IPv4Address("10.91.7.10")),)
)
STAND_IN = Path(__file__).parents[1] / "stand_ins" / "openai_server.py"
SERVER = f"""
import http.server
import openai_server as module
made = module.StandIn(models=("chat",), reply=lambda asked, body: "It is Paris.", key="right", delay_s=0.2)
class Handler(module._Handler):
    about = made
http.server.ThreadingHTTPServer(("127.0.0.1", {PORT}), Handler).serve_forever()
"""
SSHD = "/etc/ssh/sshd_config.d/10-provision.conf"


def tell(host: LabHost, command: str, given: str = "") -> None:
    done = subprocess.run(
        ssh_argv(host, command), input=given, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def host() -> Iterator[LabHost]:
    with lab_home_folder():
        try:
            (made,) = ensure_lab(SPEC).hosts
            tell(made, "mkdir -p /srv/engine; cat > /srv/engine/openai_server.py", STAND_IN.read_text())
            tell(made, "cat > /srv/engine/run.py", SERVER)
            tell(made, f"echo 'DisableForwarding yes' > {SSHD} && systemctl restart ssh")
            tell(made, "systemd-run --unit=engine --working-directory=/srv/engine python3 run.py")
            yield made
        finally:
            destroy_lab(NAME)


def run_through(host: LabHost, tests: TestSet, *, at_once: int, key: str = "right") -> list[str]:
    """The outcomes of all questions, asked through one bridge."""

    async def work() -> list[str]:
        async with bridge(ssh_argv(host, remote_command("127.0.0.1", PORT))) as socket:
            target = Target(name="a", zone="home", base_url="http://engine/v1", model="chat", at_once=at_once)
            asking = await run_tests(tests, [Way(target, key, socket)], ["a"], lambda _: None, at_once=at_once)
        return [f"{answer.fate} {answer.text}" for answer in asking.answers]

    return asyncio.run(work())


def test_questions_reach_the_engine_and_its_key_counts(host: LabHost) -> None:
    tests = TestSet.model_validate_json(json.dumps(use_cases(judge=None, repeats=2)))
    for at_once in (1, 4):
        outcomes = run_through(host, tests, at_once=at_once)
        assert outcomes == ["answered It is Paris."] * 8
    with pytest.raises(ErrorGroup, match="answers 401"):
        run_through(host, tests, at_once=1, key="wrong")


def test_nothing_is_left_running(host: LabHost) -> None:
    tell(host, "! pgrep -f '[s]ocket.create_connection'")
