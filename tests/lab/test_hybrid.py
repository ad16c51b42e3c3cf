"""The promise of the whole: what is confidential is answered at home and the cloud sees no byte of it; what may leave
goes to the cloud; both are on record, and a record can be challenged.

The cloud is a stand-in (tests/stand_ins/cloud_provider.py) on this machine's side of the lab's bridge. A stack that
stands: `PROVISION_STANDING="HOME hybrid --profile FOLDER/hybrid.yml --lab"`, its files by `tests.lab.hybrid_profile`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from provision.inventory.decision_layer_vars import audit_words
from provision.models.plan import Plan
from provision.verify.web_steps import open_client
from tests.lab.hybrid_profile import (
    APPROVER,
    ASKER,
    BRIDGE,
    CLOUD,
    CLOUD_ZONE,
    PORT,
    REVIEWER,
    TASK,
    Files,
    write_files,
)
from tests.lab.ssh_relay import relay
from tests.lab.standing import Stack, standing_stack
from tests.lab.test_browser import FLAGS, find_site
from tests.stand_ins.cloud_provider import ANSWER, Provider, serve_provider

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SAY: dict[str, str] = yaml.safe_load(
    (Path(__file__).parents[2] / "decision_layer/src/decision_layer/challenge/words.yml").read_text()
)["en"]
SECRET = "Draft a reminder to Karla Winter-Brandt. She pays from the account DE89 3704 0044 0532 0130 00."
"""The example IBAN of ECBS: its checksum is valid, and nobody has it."""
CANARIES = (b"Karla", b"Winter-Brandt", b"DE89", b"3704")
HELD = "Sum up our draft offer for the town's tender in two sentences."
OPEN = "Suggest three titles for our open day in spring."
PROGRAM = "/opt/decision-layer/current/bin/decision-layer"
LOG = "/var/lib/decision-layer/audit"
CONNECTS = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)"


class Answer(NamedTuple):
    text: str
    record: str


class Hybrid:
    """The stack, and the stand-in of the provider that its policy knows."""

    def __init__(self, stack: Stack, provider: Provider, files: Files) -> None:
        self.stack, self.provider, self.files = stack, provider, files
        self._token = self._sign_in()

    def _client(self) -> httpx.Client:
        site = find_site(self.stack, "chat")
        return open_client(site, self.stack.workspace / "ca-root.crt")

    def _sign_in(self) -> str:
        password = self.stack.secret("open_webui_admin_password")
        body = {"email": self.stack.plan()["admin_email"], "password": password}
        with self._client() as client:
            return str(client.post("/api/v1/auths/signin", json=body).raise_for_status().json()["token"])

    def chat(self, words: str) -> Answer:
        """One chat with `auto`, streamed as Open WebUI's own pages do it. The record's id is in the answer's head."""
        body = {"model": "auto", "stream": True, "max_tokens": 32, "messages": [{"role": "user", "content": words}]}
        with self._client() as client:
            given = client.post(
                "/api/chat/completions", json=body, headers={"Authorization": f"Bearer {self._token}"}
            ).raise_for_status()
        lines = [line.removeprefix("data: ") for line in given.text.splitlines() if line.startswith("data: {")]
        choices = [choice for line in lines for choice in json.loads(line).get("choices", [])]
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
        return Answer(text, given.headers.get("x-decision-record", ""))

    def audit(self, *words: str) -> str:
        verb, *rest = words
        where = ("--directory", LOG, *audit_words(Plan.model_validate(self.stack.plan())))
        return self.stack.ssh("gateway", shlex.join([PROGRAM, "audit", verb, *where, *rest]))

    def record(self, number: str) -> list[dict[str, Any]]:
        """What is on record under an id: the decision, and what followed."""
        entries, decoder, rest = [], json.JSONDecoder(), self.audit("show", number).strip()
        while rest:
            entry, end = decoder.raw_decode(rest)
            entries.append(entry)
            rest = rest[end:].lstrip()
        return entries

    def person(self, name: str) -> str:
        return self.stack.secret(f"decision_layer_person_{name}")

    @contextmanager
    def endpoint(self) -> Iterator[str]:
        """The decision layer's own port, as this machine may not open it."""
        plan = self.stack.plan()
        address = next(machine["address"] for machine in plan["machines"] if machine["name"] == "gateway")
        port = next(service["port"] for service in plan["services"] if service["name"] == "decision_layer")
        with relay(self.stack, "gateway", address, port) as url:
            yield url


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hybrid]:
    missing = [name for name in ("chromium",) if not shutil.which(name)]
    assert not missing, f"{', '.join(missing)} missing: scripts/bootstrap --browser, as root, installs it"
    named = shlex.split(os.environ.get("PROVISION_STANDING", ""))
    files = Files(Path(named[named.index("--profile") + 1]).parent) if named else None
    files = files or write_files(tmp_path_factory.mktemp("hybrid"))
    choice = ("--profile", str(files.profile), "--lab")
    with standing_stack(choice, "hybrid", files.give_key) as stack:
        provider = Provider(key=files.key)
        with serve_provider(provider, BRIDGE, PORT, files.tls()):
            yield Hybrid(stack, provider, files)


@pytest.fixture(scope="module")
def confidential(hybrid: Hybrid) -> Answer:
    hybrid.provider.forget()
    return hybrid.chat(SECRET)


@pytest.fixture(scope="module")
def public(hybrid: Hybrid, confidential: Answer) -> Answer:
    assert not hybrid.provider.wire, "the confidential chat reached the provider"
    return hybrid.chat(OPEN)


def test_the_confidential_chat_is_answered_at_home_and_the_cloud_sees_no_byte(
    hybrid: Hybrid, confidential: Answer
) -> None:
    assert confidential.text.strip()
    assert ANSWER not in confidential.text
    decision, *after = hybrid.record(confidential.record)
    assert decision["effective_class"] == "personal"
    assert decision["chosen"]["zone"] == "self-hosted"
    assert decision["chosen"]["model"] == "chat"
    assert [entry["result"] for entry in after if "result" in entry] == ["completed"]


def test_the_public_chat_is_answered_by_the_cloud(hybrid: Hybrid, public: Answer) -> None:
    assert public.text.strip() == ANSWER
    (asked,) = hybrid.provider.asked
    assert asked["model"] == "small-latest"
    assert asked["messages"][-1]["content"] == OPEN
    decision, *after = hybrid.record(public.record)
    assert decision["effective_class"] == "internal"
    assert (decision["chosen"]["model"], decision["chosen"]["zone"]) == (CLOUD, CLOUD_ZONE)
    assert [entry["result"] for entry in after if "result" in entry] == ["completed"]


def test_the_provider_got_nothing_else_and_from_the_gateway_alone(hybrid: Hybrid, public: Answer) -> None:
    gateway = next(machine for machine in hybrid.stack.plan()["machines"] if machine["name"] == "gateway")
    assert set(hybrid.provider.callers) == {gateway["address"]}
    assert OPEN.encode() in hybrid.provider.plain
    assert [canary for canary in CANARIES if canary in hybrid.provider.plain + hybrid.provider.wire] == []


def test_the_chain_of_all_records_is_whole(hybrid: Hybrid, public: Answer) -> None:
    places = ("--second-place", "/var/lib/decision-layer-checkpoints", "--key", "/etc/decision-layer/credentials/audit")
    assert hybrid.audit("verify", *places).startswith("whole: ")


def connect(hybrid: Hybrid, machine: str, port: int, user: str = "root") -> bool:
    command = shlex.join(["runuser", "-u", user, "--", "/usr/bin/python3", "-I", "-c", CONNECTS, BRIDGE, str(port)])
    return hybrid.stack.run("ssh", machine, *hybrid.stack.choice, "--", command).returncode == 0


def test_the_firewall_lets_the_decision_layer_alone_to_the_providers_address_and_port_alone(hybrid: Hybrid) -> None:
    with socket.create_server((BRIDGE, PORT + 1)):
        assert connect(hybrid, "gateway", PORT, "decision-layer")
        assert not connect(hybrid, "gateway", PORT + 1, "decision-layer")
        assert not connect(hybrid, "gateway", PORT, "caddy")
        assert not connect(hybrid, "gateway", PORT)
        assert not connect(hybrid, "apps", PORT)


def test_a_challenge_is_filed_and_decided_in_a_browser(hybrid: Hybrid, confidential: Answer) -> None:
    with hybrid.endpoint() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        number = challenge_and_decide(hybrid, browser, url, confidential.record)
        browser.close()
    entries = hybrid.record(confidential.record)
    reviews = [entry for entry in entries if entry.get("challenge_id") == number and "verdict" in entry]
    assert [(review["reviewer"], review["verdict"], review["replay"]) for review in reviews] == [
        (REVIEWER, "upheld", "identical")
    ]
    assert [entry["state"] for entry in entries if entry.get("challenge_id") == number and "state" in entry] == [
        "filed",
        "closed",
    ]


def challenge_and_decide(hybrid: Hybrid, browser: Browser, url: str, record: str) -> str:
    """Filed by anybody, refused to the approver, decided by the reviewer; the challenge's number. Without scripts."""
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{url}/challenge?lang=en")
    page.get_by_label(SAY["record"], exact=True).fill(record)
    page.get_by_label(SAY["text"], exact=True).fill("The account is an example.")
    page.get_by_label(SAY["who"], exact=True).fill("karla@example.org")
    page.get_by_role("button", name=SAY["file"], exact=True).click()
    number = page.locator("#challenge").inner_text()

    login = (APPROVER, hybrid.person(APPROVER))
    assert httpx.get(f"{url}/review/{number}", auth=login, trust_env=False).status_code == 401

    review = sign_in(hybrid, browser, REVIEWER)
    review.goto(f"{url}/review/{number}?lang=en")
    expect(review.locator("#replay")).to_contain_text(SAY["replay_identical"])
    expect(review.locator("#otherwise")).to_contain_text("had the text not held iban")
    review.get_by_label(SAY["verdict"], exact=True).select_option("upheld")
    review.get_by_label(SAY["reason"], exact=True).fill("An account number is personal, whoever's it is.")
    review.get_by_label(SAY["authority"], exact=True).fill("partner")
    review.get_by_role("button", name=SAY["decide"], exact=True).click()
    expect(review.locator("#verdict")).to_contain_text(SAY["verdict_upheld"])
    page.reload()
    expect(page.locator("#verdict")).to_have_text(SAY["verdict_upheld"])
    return number


def sign_in(hybrid: Hybrid, browser: Browser, name: str) -> Page:
    login: Any = {"username": name, "password": hybrid.person(name)}
    return browser.new_context(java_script_enabled=False, http_credentials=login).new_page()


def test_what_needs_an_approval_leaves_with_the_approvers_word_alone(hybrid: Hybrid) -> None:
    hybrid.provider.forget()
    key = hybrid.stack.secret(f"decision_layer_client_{ASKER}")
    headers = {"Authorization": f"Bearer {key}", "X-Data-Class": "confidential", "X-Task-Type": TASK}
    body = {"model": "auto", "messages": [{"role": "user", "content": HELD}]}
    with hybrid.endpoint() as url, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        held = client.post("/v1/chat/completions", json=body, headers=headers)
        assert (held.status_code, held.json()["error"]["code"]) == (403, "approval_needed")
        page, login = f"/approve/{held.headers['x-decision-record']}?lang=en", (APPROVER, hybrid.person(APPROVER))
        assert client.get(page, auth=(REVIEWER, hybrid.person(REVIEWER))).status_code == 401
        token = read_one(r'name="token" value="([0-9a-f]+)"', client.get(page, auth=login).text)
        form = {"granted": "yes", "reason": "The tender is published next week.", "authority": "partner"}
        given = client.post(page, data={**form, "token": token}, auth=login)
        approval = read_one(r'id="approval">([0-9a-f-]{36})<', given.text)
        assert not hybrid.provider.wire
        answer = client.post("/v1/chat/completions", json=body, headers={**headers, "X-Approval": approval})
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == ANSWER
    assert [asked["messages"][-1]["content"] for asked in hybrid.provider.asked] == [HELD]
    decision, *_ = hybrid.record(answer.headers["x-decision-record"])
    assert (decision["effective_class"], decision["chosen"]["zone"]) == ("confidential", CLOUD_ZONE)


def read_one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]


def test_the_papers_have_the_trail_out_of_the_database(hybrid: Hybrid, public: Answer, tmp_path: Path) -> None:
    hybrid.stack.json("evidence", "--gateway", "--out", str(tmp_path / "papers"))
    papers = (tmp_path / "papers" / "papers.json").read_text()
    assert "whole: " in papers
    assert CLOUD_ZONE in papers


BREAK_POLICY = """
cp --archive /etc/decision-layer/policy.yml /root/policy.kept
echo '# one more line' >> /etc/decision-layer/policy.yml
systemctl restart decision-layer
for _ in $(seq 50); do
  journalctl --quiet --unit decision-layer --since -30s | grep -q 'it is not what was signed' && break
  sleep 0.2
done
journalctl --quiet --unit decision-layer --since -30s | grep -m1 -o 'it is not what was signed'
systemctl show --property ActiveState decision-layer
mv /root/policy.kept /etc/decision-layer/policy.yml
systemctl restart decision-layer
"""


def test_a_firms_own_policy_is_used_as_it_was_signed_or_not_at_all(hybrid: Hybrid, public: Answer) -> None:
    """The last test: it changes the stack. What went out before stays at home by the firm's own rules."""
    before = hybrid.files.profile.read_text()
    hybrid.files.name_policy()
    try:
        hybrid.stack.json("up", "--yes")
        hybrid.provider.forget()
        answer = hybrid.chat(OPEN)
        assert not hybrid.provider.wire
        decision, *_ = hybrid.record(answer.record)
        assert (decision["policy_id"], decision["rule"]) == ("hybrid-firm", "rest")
        assert (decision["effective_class"], decision["chosen"]["zone"]) == ("internal", "home")
        said = hybrid.stack.ssh("gateway", BREAK_POLICY).splitlines()
        assert said[0] == "it is not what was signed"
        assert said[1] != "ActiveState=active"
    finally:
        hybrid.files.profile.write_text(before)
