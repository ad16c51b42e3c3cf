"""The advice itself: the articles' cases, and what holds for any answers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.advise import advise, load_rulebook, read_answers
from provision.advise.choose import Fitted
from provision.advise.describe import EXAMPLES
from provision.catalog import load_catalog
from provision.errors import UsageError
from provision.models.advice import Advice, Answers
from provision.pipeline.advise import draft, draft_profile, gather, recommend
from provision.planner import build_plan
from provision.profile import load_profile
from tests.unit.advise.conftest import Make
from tests.unit.advise.test_rules import random_answers

ROOT = Path(__file__).resolve().parents[3]
DECISION_LAYER = ROOT / "decision_layer" / ".venv" / "bin" / "decision-layer"


def of_example(name: str) -> Advice:
    return recommend(read_answers(EXAMPLES / f"{name}.yml"))


def test_a_law_firm_of_15() -> None:
    """SME article, industry examples: Llama 3.3 70B on the own node, a cloud model for research and strategy."""
    advice = of_example("law-firm")
    assert (advice.outcome, advice.centre, advice.pattern) == ("hybrid", "self_hosted", "hybrid")
    assert (advice.profile, advice.pilot_first, advice.triggers) == ("sme-2x4090", True, (1, 3))
    assert [model.model for model in advice.models] == ["llama3.3-70b"]
    places = {one.use_case: one.place for one in advice.placements}
    assert places["contract-review"] == places["client-notes"] == "home"
    assert places["strategy"] == places["legal-research"] == "us-cloud"
    assert places["staff-news"] == "eu-cloud"


def test_a_marketing_team_of_three() -> None:
    """SME article: no trigger holds, so cloud."""
    advice = of_example("marketing-team")
    assert (advice.outcome, advice.profile, advice.models, advice.pattern) == ("cloud", None, (), "none")
    assert not advice.pilot_first


def test_heavy_batch() -> None:
    """Enterprise article: extraction and templates in volume are Mistral Small's, on an H100 in production."""
    advice = of_example("document-pipeline")
    assert (advice.outcome, advice.profile, advice.pattern) == ("self_hosted", "scaleway-h100", "single_worker")
    assert [model.model for model in advice.models] == ["mistral-small-3.2-24b"]
    said = {one.rule for one in advice.statements}
    assert {"duty.batch", "duty.more-than-a-card", "trigger.volume"} <= said


def test_an_accounting_firm(make: Make) -> None:
    """SME article: Qwen 3 32B for the audit's notes; Mixtral 8x22B does not go on two RTX 4090."""
    advice = recommend(make(("audit", "audit_notes", ("confidential",)), ("papers", "research", ("public",))))
    assert [model.model for model in advice.models] == ["qwen3-32b"]
    assert "decision.chinese-supplier" in {one.rule for one in advice.decisions}


def test_several_models_are_a_cluster(make: Make) -> None:
    cases = (("mail", "classification", ("personal",)), ("audit", "audit_notes", ("confidential",)))
    advice = recommend(make(*cases))
    assert (advice.pattern, len(advice.models)) == ("multi_model_cluster", 2)
    assert sum(model.on_cards_mib for model in advice.models) <= advice.models[0].usable_mib


def test_a_saving_that_nobody_would_operate_is_none(make: Make) -> None:
    case = ("mail", "classification", ("internal",))
    changed = {"cloud_dkk_per_month": 9000, "operations": "none"}
    assert recommend(make(case, **changed)).outcome == "cloud"
    assert recommend(make(case, **changed | {"operations": "bought"})).outcome == "self_hosted"


def test_an_agreement_with_an_eu_provider_opens_the_eu_and_asks_a_person(make: Make) -> None:
    case = ("mail", "classification", ("personal",))
    assert recommend(make(case)).outcome == "self_hosted"
    opened = recommend(make(case, eu_processor=("personal",)))
    assert (opened.outcome, opened.placements[0].allowed) == ("cloud", ("home", "eu-cloud"))
    assert "decision.eu-processor" in {one.rule for one in opened.decisions}


def test_a_model_whose_licence_may_forbid_it_is_left_out(make: Make) -> None:
    advice = recommend(make(("contracts", "large_corpora", ("secrecy",)), site="rented"))
    assert "llama4-scout-17b-16e" not in {model.model for model in advice.models}
    assert any(one.rule == "model.licence" and "European Union" in one.text for one in advice.statements)


def test_a_team_too_large_for_any_profile_is_told(make: Make) -> None:
    advice = recommend(make(people=500, site="rented"))
    assert (advice.profile, advice.profile_serves_all) == ("scaleway-h100", False)


def test_a_planner_that_places_nothing_leaves_the_profile_open(make: Make) -> None:
    """A stand-in for the planner, which says no to everything."""
    known = gather()
    nothing = advise(make(), load_rulebook(), known.profiles, lambda *_: Fitted(reason="no"), known.look_up)
    assert (nothing.profile, nothing.models) == (None, ())
    assert "profile.none" in {one.rule for one in nothing.statements}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_what_holds_for_any_answers(seed: int) -> None:
    """No data goes where a class of theirs may not; outcome, places, models and pattern go together."""
    answers = random_answers(seed)
    advice = recommend(answers)
    places = [one.place for one in advice.placements]
    for one in advice.placements:
        assert one.place == "nowhere" or one.place in one.allowed
        if set(one.data) - {"public", "internal"} - set(answers.eu_processor):
            assert one.place in ("home", "nowhere")
        assert (one.local_model is not None) == (one.place == "home")
        assert bool(one.cloud_models) == one.place.endswith("-cloud")
    at_home, outside = "home" in places, any(place.endswith("-cloud") for place in places)
    assert (advice.outcome == "cloud") == (not at_home)
    assert (advice.outcome == "hybrid") == (at_home and outside)
    assert (advice.profile is not None) == bool(advice.models) == at_home
    assert {one.local_model for one in advice.placements} - {None} == {model.model for model in advice.models}
    assert advice.pattern == {"cloud": "none", "hybrid": "hybrid"}.get(advice.outcome, advice.pattern)
    rules = {rule.id: rule for rule in load_rulebook().rules}
    for statement in (*advice.statements, *advice.decisions):
        assert statement.text
        assert "{" not in statement.text
        assert statement.source == load_rulebook().cite(rules[statement.rule].source)
    assert recommend(answers) == advice


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_more_reasons_never_lead_away_from_own_machines(seed: int) -> None:
    answers = random_answers(seed)
    weight = {"cloud": 0, "hybrid": 1, "self_hosted": 2}
    more = recommend(answers.model_copy(update={"customers_ask": True}))
    assert weight[more.outcome] >= weight[recommend(answers).outcome]


@pytest.mark.parametrize("name", ["law-firm", "document-pipeline"])
def test_the_drafted_profile_is_planned_with_the_advised_models(tmp_path: Path, name: str) -> None:
    advice = of_example(name)
    path = tmp_path / "advised.yml"
    path.write_text(draft_profile(advice), encoding="utf-8")
    profile = load_profile(path).profile
    plan = build_plan(profile, load_catalog(), client="acme", target="live", lab=None)
    assert [(one.model, one.quant, one.context_tokens) for one in plan.engines] == [
        (one.model, one.quant, one.context_tokens) for one in advice.models
    ]
    assert plan.engines[0].name == "chat", "what the chat asks for"


def decision_layer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DECISION_LAYER, *arguments], capture_output=True, text=True, check=False)


def answering(policy: Path) -> str:
    """The model that answers public strategy work."""
    explained = decision_layer("explain", policy, "--label", "public", "--task", "strategy", "--json")
    candidates = json.loads(explained.stdout)["decision"]["candidates"]
    return next(str(one["model"]) for one in candidates if not one["refused"])


@pytest.mark.skipif(not DECISION_LAYER.exists(), reason="decision_layer/.venv is not there: make setup")
@pytest.mark.parametrize("eu", [(), ("personal",)])
def test_the_drafted_policy_passes_the_decision_layers_check(tmp_path: Path, eu: tuple[str, ...]) -> None:
    """And lets nothing out before somebody has filled in where the providers keep prompts."""
    answers = Answers.model_validate(read_answers(EXAMPLES / "law-firm.yml").model_dump() | {"eu_processor": eu})
    path = tmp_path / "policy.yml"
    path.write_text(draft(recommend(answers), answers), encoding="utf-8")
    checked = decision_layer("check", path)
    assert checked.returncode == 0, checked.stderr
    assert answering(path) == "llama3-3-70b"
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    for model in policy["models"]:
        model.setdefault("storage", model["zone"])
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")
    assert answering(path) == "claude-opus"


def test_no_policy_without_a_model_in_the_house() -> None:
    answers = read_answers(EXAMPLES / "marketing-team.yml")
    with pytest.raises(UsageError):
        draft(recommend(answers), answers)
    with pytest.raises(UsageError):
        draft_profile(recommend(answers))
