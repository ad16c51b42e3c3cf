"""A model's settings in a client file: the rest of the file stays, byte for byte."""

from __future__ import annotations

import pytest
import yaml

from provision.profile.client_model import set_client_model

NEW = {"model": "qwen3-32b", "context": 4096}


def test_a_file_without_a_workload_gets_one_at_its_end() -> None:
    before = "client: acme\n# a comment\nprofile: cpu-small\n"
    after = set_client_model(before, "chat", NEW)
    assert after.startswith(before)
    assert yaml.safe_load(after)["workload"] == {"models": {"chat": NEW}}


@pytest.mark.parametrize("last", ["", "\n"])
def test_a_line_end_may_be_missing(last: str) -> None:
    assert yaml.safe_load(set_client_model(f"client: acme{last}", "chat", NEW))["client"] == "acme"


@pytest.mark.parametrize(
    "block",
    [
        "workload:\n  users: 7\n  models:\n    chat:\n      context: 2048\n      kv: q8_0\n",
        "workload:\n  users: 7\n  models: {chat: {context: 2048, kv: q8_0}}\n",
        "workload: {users: 7, models: {chat: {context: 2048, kv: q8_0}}}\n",
    ],
)
def test_only_the_block_is_written_anew(block: str) -> None:
    before, after = "client: acme # mine\n\n# above\n", "\n# below\naccounts:\n  admin_name: X # me\n"
    found = set_client_model(before + block + after, "chat", NEW)
    assert found.startswith(before)
    assert found.endswith(after)
    assert yaml.safe_load(found)["workload"] == {"users": 7, "models": {"chat": {"kv": "q8_0"} | NEW}}


def test_a_whole_list_of_models_is_changed_by_name() -> None:
    text = "workload:\n  models:\n    - {name: chat, model: a}\n    - {name: other, model: b}\nclient: acme\n"
    found = yaml.safe_load(set_client_model(text, "chat", NEW))
    assert found["workload"]["models"] == [{"name": "chat"} | NEW, {"name": "other", "model": "b"}]
    assert found["client"] == "acme"


def test_twice_is_once() -> None:
    once = set_client_model("client: acme\n", "chat", NEW)
    assert set_client_model(once, "chat", NEW) == once
