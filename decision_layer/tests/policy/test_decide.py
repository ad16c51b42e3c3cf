"""The decision: the class can only be raised, and no candidate gets what its zone or storage may not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from decision_layer.parts import Finding
from decision_layer.policy.decide import Facts, decide, refusal
from decision_layer.policy.load import LoadedPolicy, parse_policy, read_policy

POLICY = read_policy(Path(__file__).parents[2] / "examples" / "hybrid-firm.yml")
PUBLIC = Facts(endpoint="chat", label="public", task="strategy")


def change(**values: Any) -> Facts:
    return msgspec.structs.replace(PUBLIC, **values)


def test_a_public_question_goes_out_and_falls_back_in_order() -> None:
    decision = decide(POLICY, PUBLIC)
    assert (decision.data_class, decision.rule) == ("public", "strategy")
    assert decision.chain == ("claude-opus", "mistral-medium", "chat")


def test_without_a_label_it_is_internal() -> None:
    decision = decide(POLICY, change(label=None))
    assert (decision.data_class, decision.rule, decision.chain) == ("internal", "otherwise", ("chat",))


def test_a_label_does_not_lower_what_was_found() -> None:
    decision = decide(POLICY, change(findings=(Finding("iban", 1),)))
    assert (decision.data_class, decision.chain) == ("personal", ("chat",))
    assert "1 x iban: personal" in decision.reasons


def test_an_unknown_finding_counts_as_the_highest_class() -> None:
    assert decide(POLICY, change(findings=(Finding("new.kind", 1),))).data_class == "secrecy"


@pytest.mark.parametrize(
    "facts",
    [
        change(label="pubic"),
        change(doubt="a detector failed"),
        change(opaque=True),
        change(conversation="art9"),
        change(conversation="a class that no longer exists"),
    ],
)
def test_doubt_stays_at_home(facts: Facts) -> None:
    assert decide(POLICY, facts).chain == ("chat",)


def test_a_named_model_is_that_one_or_a_refusal() -> None:
    refused = decide(POLICY, change(asked="claude-opus", label="confidential"))
    assert refused.chain == ()
    assert "confidential may not be computed on in us-cloud" in refused.refusal
    assert decide(POLICY, change(asked="claude-opus")).chain == ("claude-opus",)
    assert decide(POLICY, change(asked="gpt-9")).refusal == "there is no model gpt-9"


def test_a_key_that_may_name_some_models_is_refused_the_others_and_keeps_auto() -> None:
    limited = {"may_name": ("chat",)}
    assert (
        decide(POLICY, change(asked="claude-opus", **limited)).refusal == "this key may not name the model claude-opus"
    )
    assert decide(POLICY, change(asked="chat", **limited)).chain == ("chat",)
    assert decide(POLICY, change(**limited)).chain[0] == "claude-opus"


def test_a_spent_budget_leaves_the_house_model() -> None:
    assert decide(POLICY, change(spent=("cloud",))).chain == ("chat",)


def _amended(**values: Any) -> LoadedPolicy:
    models = tuple(m.model_copy(update=values) if m.name == "claude-opus" else m for m in POLICY.policy.models)
    return LoadedPolicy(POLICY.policy.model_copy(update={"models": models}), "0" * 64)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"storage": None}, "storage: it is not known"),
        ({"zone": "home", "storage": "us-cloud"}, ""),
        ({"context": 10}, "size:"),
        ({"endpoints": ("embeddings",)}, "endpoint:"),
    ],
)
def test_why_a_candidate_is_refused(values: dict[str, Any], code: str) -> None:
    decision = decide(_amended(**values), change(chars=400))
    assert decision.candidates[0].refused.startswith(code)
    assert bool(decision.candidates[0].refused) == bool(code)


def test_kept_outside_is_outside_although_computed_at_home() -> None:
    loaded = _amended(zone="home", storage="us-cloud")
    assert refusal(loaded, loaded.models["claude-opus"], "confidential", PUBLIC).startswith("storage:")


labels = st.sampled_from([None, "public", "internal", "confidential", "personal", "art9", "secrecy", "x", ""])
kinds = st.sampled_from(["iban", "email", "dk.cpr", "art9.health", "secret.aws", "secrecy.mandate", "unknown", "dkx"])


@given(
    label=labels,
    client_label=st.sampled_from([None, "public", "art9"]),
    conversation=labels,
    found=st.lists(kinds, max_size=3),
    task=st.sampled_from(["", "strategy", "marketing"]),
    asked=st.sampled_from(["auto", "", "claude-opus", "mistral-medium", "chat"]),
    opaque=st.booleans(),
    doubt=st.sampled_from(["", "x"]),
    spent=st.sampled_from([(), ("cloud",)]),
)
def test_nothing_above_its_zone_is_ever_in_the_chain(
    label: str | None, client_label: str | None, conversation: str | None, found: list[str], **rest: Any
) -> None:
    facts = Facts(
        endpoint="chat",
        label=label,
        client_label=client_label,
        conversation=conversation,
        findings=tuple(Finding(kind, 1) for kind in found),
        **rest,
    )
    decision = decide(POLICY, facts)
    said = label if label in POLICY.rank else client_label if label is None else None
    sources = [said, conversation, *map(POLICY.class_of, found), "confidential" if facts.opaque else None]
    ranks = [POLICY.rank[name] for name in sources if name is not None and name in POLICY.rank]
    assert POLICY.rank[decision.data_class] >= max(ranks, default=0)
    for name in decision.chain:
        model = POLICY.models[name]
        allowed = POLICY.classes[decision.data_class].zones
        assert {model.zone, model.storage} <= set(allowed)
        if facts.doubt or (label is not None and label not in POLICY.rank):
            assert POLICY.is_home(model)
    assert bool(decision.chain) != bool(decision.refusal)


def test_a_rule_with_approval_holds_every_model_and_lifts_for_what_its_class_allows() -> None:
    document = yaml.safe_load((Path(__file__).parents[2] / "examples" / "hybrid-firm.yml").read_text())
    document["rules"][0]["approval"] = True
    document["approvers"] = [{"name": "paul", "key": "person-paul"}]
    loaded = parse_policy(yaml.safe_dump(document, sort_keys=False).encode(), "policy.yml")
    held = decide(loaded, PUBLIC)
    assert held.chain == ()
    assert {item.refused for item in held.candidates} == {
        "approval: rule strategy answers only with a second person's word"
    }
    assert decide(loaded, change(approved=True)).chain == ("claude-opus", "mistral-medium", "chat")
    assert decide(loaded, change(approved=True, doubt="a detector failed")).chain == ("chat",)
    assert decide(loaded, change(task="")).chain == ("chat",)
