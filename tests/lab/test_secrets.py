"""Every kind of secret rotated on a real stack: the old value is refused, the new one works, no file tells either."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from provision.verify.web_dashboards import LOGIN as GRAFANA_LOGIN
from provision.verify.web_session import SIGN_IN
from provision.verify.web_steps import open_client
from provision.verify.web_workflow import KEY_HEADER, LOGIN, WEBHOOK
from tests.lab.standing import Stack, standing_stack

pytestmark = [pytest.mark.lab, pytest.mark.slow]

KEPT = {
    "n8n_encryption_key",
    "open_webui_secret_key",
    "grafana_secret_key",
    "proxmox_token",
    "decision_layer_audit_key",
}
ASK_ENGINE = """
import urllib.error, urllib.request
headers = {"Authorization": "Bearer " + KEY, "Content-Type": "application/json"}
request = urllib.request.Request(URL, data=b'{"content": "a"}', headers=headers)
try:
    print(urllib.request.urlopen(request, timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with standing_stack() as stack:
        yield stack


@contextmanager
def watched_argv() -> Iterator[set[bytes]]:
    """Every command line that was seen on this machine meanwhile, those of the guests among them."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes())
                except OSError:
                    continue  # it has ended
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def accepted(stack: Stack, secrets: dict[str, str]) -> dict[str, bool]:
    """What each service says of these values, asked over its own protocol."""
    plan = stack.plan()
    sites = {site["name"]: site["url"] for site in plan["sites"]}
    ca, email = stack.workspace / "ca-root.crt", plan["admin_email"]
    with open_client(sites["chat"], ca) as chat, open_client(sites["flows"], ca) as flows:
        owner = {"emailOrLdapLoginId": email, "password": secrets["n8n_owner_password"]}
        answers = {
            "open_webui_admin_password": _post(
                chat, SIGN_IN, {"email": email, "password": secrets["open_webui_admin_password"]}
            ),
            "n8n_owner_password": _post(flows, LOGIN, owner),
            "n8n_webhook_key": _post(
                flows, WEBHOOK, {"text": "The invoice is due."}, {KEY_HEADER: secrets["n8n_webhook_key"]}
            ),
        }
    with open_client(sites["metrics"], ca) as metrics:
        account = {"user": email, "password": secrets["grafana_admin_password"]}
        answers["grafana_admin_password"] = _post(metrics, GRAFANA_LOGIN, account)
    for engine in plan["engines"]:
        name = f"llama_cpp_api_key_{engine['name'].replace('-', '_')}"
        address = next(m["address"] for m in plan["machines"] if m["name"] == engine["machine"])
        # Without a key llama.cpp answers /health and /v1/models; /tokenize costs next to nothing.
        script = f"URL = 'http://{address}:{engine['port']}/tokenize'\nKEY = {secrets[name]!r}\n{ASK_ENGINE}"
        answers[name] = int(stack.ssh(engine["machine"], "python3 -", script))
    told = {name: status == 200 for name, status in answers.items()}
    for user in ("open_webui", "n8n"):
        told[f"{user}_database_password"] = _is_database_password(stack, user, secrets[f"{user}_database_password"])
    return told


def _post(client: httpx.Client, path: str, body: dict[str, str], headers: dict[str, str] | None = None) -> int:
    status = client.post(path, json=body, headers=headers).status_code
    client.cookies.clear()
    assert status != 429, f"{path} counts sign-ins: wait"
    return status


def _is_database_password(stack: Stack, user: str, password: str) -> bool:
    """A login over TCP with TLS, as the application does it."""
    data = next(m["address"] for m in stack.plan()["machines"] if m["name"] == "data")
    command = (
        "read -r password; umask 077; file=$(mktemp); printf '*:*:*:*:%s' \"$password\" > $file; "
        f"PGPASSFILE=$file psql -w -Atqc 'select 1' 'host={data} user={user} dbname={user} sslmode=require' 2>&1; "
        "rm $file"
    )
    return stack.ssh("apps", command, password + "\n").strip() == "1"


def test_every_kind_is_rotated_and_nothing_tells_a_value(stack: Stack) -> None:
    before = stack.secrets()
    assert all(accepted(stack, before).values())
    with watched_argv() as argv:
        stack.json("secrets", "rotate", "--all", "--yes")
    after = stack.secrets()
    assert {name for name in before if before[name] == after[name]} == KEPT & set(before)
    time.sleep(65)  # n8n counts five sign-ins a minute and account
    told = accepted(stack, after)
    assert all(told.values()), told
    time.sleep(65)
    told = accepted(stack, before)
    assert not any(told.values()), told
    values = [value.encode() for value in {*before.values(), *after.values()}]
    assert len(argv) > 100
    assert not [line for line in argv if any(value in line for value in values)]
    _assert_nowhere(stack, values)


def _assert_nowhere(stack: Stack, values: list[bytes]) -> None:
    """In no run's artifact, receipt, or record of ours but the credentials' own file, and in no machine's journal."""
    files = [file for file in stack.workspace.rglob("*") if file.is_file() and file.name != "credentials.txt"]
    assert any("artifacts" in file.parts for file in files)
    assert not [file for file in files if any(value in file.read_bytes() for value in values)]
    for machine in ("engine", "data", "apps", "gateway", "observe"):
        journal = stack.ssh(machine, "journalctl --no-pager -o cat").encode()
        assert len(journal) > 1000
        assert not any(value in journal for value in values), machine


def test_a_run_after_a_rotation_changes_nothing(stack: Stack) -> None:
    assert stack.json("up", "--yes", "--full")["changed"] == 0


def test_what_would_be_lost_is_refused(stack: Stack) -> None:
    before = stack.secrets()
    for name in ("n8n_encryption_key", "open_webui_secret_key", "grafana_secret_key"):
        done = stack.run("secrets", "rotate", name, *stack.choice, "--yes")
        assert done.returncode == 2, done.stderr
    assert stack.secrets() == before
