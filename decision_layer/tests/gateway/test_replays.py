"""Every stored decision can be made again from what was sealed with it, and says what would have changed it."""

from __future__ import annotations

import asyncio
import collections
import json
from pathlib import Path
from typing import Any

import msgspec
import yaml

from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision
from decision_layer.challenge.approvals import Approvals
from decision_layer.challenge.replay import replay
from decision_layer.detect import prepared
from decision_layer.gateway.callers import Credentials
from decision_layer.gateway.conversations import Conversations
from decision_layer.gateway.deciding import Decided, Keeping, Place, decide_and_record
from decision_layer.gateway.opening import open_trail
from decision_layer.gateway.policies import load_current
from decision_layer.gateway.settings import Settings, audit_backend
from decision_layer.policy.decide import Facts
from decision_layer.policy.load import LoadedPolicy
from tests.gateway.generated import Asked, generate
from tests.gateway.running import EXAMPLE

COUNT = 1600
KEYS = ("client-open-webui", "client-n8n", "person-paul", "mistral", "anthropic", "engine")


class SecondStage:
    """Says of each text one of those things that the real one may say."""

    async def judge(self, loaded: LoadedPolicy, facts: Facts, parts: object) -> Facts:  # noqa: ARG002
        said = ("public", "personal", "")[facts.chars % 3]
        change = {"second": said} if said else {"doubt": "second stage: no answer in time"}
        return msgspec.structs.replace(facts, **change)


def write_policy(folder: Path, version: int) -> None:
    """The first lets internal data leave with a second person's word, the second without it and reads it before."""
    document = yaml.safe_load(EXAMPLE.read_text())
    document["classes"][1]["approval"] = version == 1
    document["approvers"] = [{"name": "paul", "key": "person-paul"}]
    document["models"][1]["context"] = 200
    document["clients"][1]["label"] = "confidential"
    document["clients"][1]["models"] = ["chat"]
    document["second_stage"] = {"model": "chat"}
    document["limits"] = {"text_chars": 2000}
    (folder / "policy.yml").write_text(yaml.safe_dump({**document, "version": version}))


async def decide_all(folder: Path, settings: Settings, keys: AuditKeys) -> list[Decided]:
    """Half of them by each of two policies; what is held is approved and asked once more."""
    prepared()  # as the gateway's start does it: a reading that has to begin with this is given up
    write_policy(folder, 1)
    for key in KEYS:
        (folder / key).write_text(f"a key of {key}, long enough")
    store = await open_trail(settings, keys)
    conversations = Conversations(settings.state / "conversations.sqlite")
    credentials = Credentials(folder, load_current(settings))
    approvals = Approvals(LogReader(audit_backend(settings)), store, keys, lambda: credentials)
    second: Any = SecondStage()
    keeping = Keeping(store, keys, conversations, Place("host", "0"), approvals, second)
    made: list[Decided] = []

    async def ask(loaded: LoadedPolicy, asked: Asked, **headers: str) -> Decided:
        given = {**asked.headers, **{name.encode(): value.encode() for name, value in headers.items()}}
        client = next(item for item in loaded.policy.clients if item.name == asked.client)
        raw = json.dumps(asked.body).encode()
        made.append(
            await decide_and_record(loaded, client, asked.endpoint, given, raw, asked.body, asked.spent, keeping)
        )
        return made[-1]

    for version in (1, 2):
        write_policy(folder, version)
        loaded = load_current(settings)
        credentials = Credentials(folder, loaded)
        for asked in generate(seed=version, count=COUNT // 2):
            decided = await ask(loaded, asked)
            held = approvals.held(decided.record_id)
            if held is not None and not approvals.bar("paul", held):
                word = await approvals.answer(decided.record_id, "paul", "head of the firm", "harmless", granted=True)
                await ask(loaded, asked, **{"x-approval": word.approval_id})
    await store.close()
    conversations.close()
    return made


def traits(decided: Decided) -> list[str]:
    """What a decision depended on, so that no kind of it is missing here."""
    facts, candidates = decided.facts, decided.decision.candidates
    refused = {item.refused.partition(":")[0] for item in candidates if item.refused}
    present = {
        "findings": facts.findings,
        "several findings": len(facts.findings) > 1,
        "opaque": facts.opaque,
        "doubt": facts.doubt,
        "second stage": facts.second,
        "conversation": facts.conversation,
        "label": facts.label,
        "unknown label": facts.label == "no-such",
        "client's label": facts.client_label and facts.label is None,
        "approved": facts.approved,
        "held": decided.held,
        "over length": decided.detection == "over_length",
        "unknown part": decided.detection == "unknown_part",
        "no such model": facts.asked == "gpt-9",
        "may not name it": decided.decision.refusal.startswith("this key may not"),
        "answered": decided.decision.chain,
        "refused": decided.decision.refusal,
        **{f"refused by {code}": True for code in refused},
    }
    return [name for name, there in present.items() if there]


def test_hundreds_of_stored_decisions_replay_and_have_a_counterfactual(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("5b" * 32)
    settings = Settings(policy=tmp_path / "policy.yml", credentials=tmp_path, state=tmp_path / "state")
    settings.state.mkdir()
    keys = AuditKeys.read(tmp_path / "audit")
    made = asyncio.run(decide_all(tmp_path, settings, keys))
    counted = collections.Counter(name for decided in made for name in traits(decided))
    codes = ("zone", "approval", "size", "budget", "endpoint")
    missing = {*(f"refused by {code}" for code in codes), "approved", "second stage", "over length", "may not name it"}
    assert missing <= set(counted), counted
    assert all(number >= 3 for number in counted.values()), counted

    reader = LogReader(audit_backend(settings))
    stored = [found for found in reader.after(0) if isinstance(found.entry, Decision)]
    assert [found.record_id for found in stored] == [decided.record_id for decided in made]
    assert len(stored) > COUNT
    told = {found.record_id: replay(found, reader, keys, settings) for found in stored}
    assert [(name, again.why) for name, again in told.items() if again.result != "identical"] == []
    assert [name for name, again in told.items() if not again.others] == []
