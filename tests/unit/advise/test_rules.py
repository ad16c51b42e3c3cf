"""The contract of the rules: each can fire, none contradicts another, each has a source, each sentence can be said."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from provision.advise import Rulebook, advise
from provision.advise.describe import describe_advice
from provision.advise.facts import ORDER, fire, holds
from provision.advise.rules import Group, Scalar, load_rulebook
from provision.catalog import find_model, load_catalog
from provision.errors import SetupError
from provision.models.advice import Answers, UseCase, Work
from provision.pipeline.advise import gather, recommend

ROOT = Path(__file__).resolve().parents[3]
PILOTS, SITES = ("not_run", "passed", "failed"), ("on_premises", "rented", "either")

BOTH = (False, True)
ACTIVE = {
    "pilot": "not_run",
    "eu_processor": (),
    "operations": "in_house",
    "use_cases": (UseCase(name="review", workload="contract_review", data=("secrecy",)),),
}


def firms() -> Iterator[dict[str, Scalar]]:
    """Every state that the group outcome can meet. A saving without operations is trigger 2 alone."""
    for triggers, home, cloud, pilot, saving in product(range(4), range(3), range(3), PILOTS, BOTH):
        if not saving or triggers == 1:
            yield {
                "triggers": triggers,
                "home_cases": home,
                "cloud_cases": cloud,
                "pilot": pilot,
                "saving_without_operations": saving,
            }


def places() -> Iterator[dict[str, Scalar]]:
    """Every state of a use case. Self-hosted is only advised where no use case would go to a cloud."""
    domain = product(
        BOTH, BOTH, ("cloud", "hybrid", "self_hosted"), ("home", "cloud"), ("eu-cloud", "us-cloud", "none")
    )
    for leave, local, outcome, prefers, zone in domain:
        to_cloud = leave and zone != "none" and (prefers == "cloud")
        possible = not (prefers == "home" and not local) and (leave or zone == "none")
        if possible and not (outcome == "self_hosted" and to_cloud):
            yield {
                "use_case": "x",
                "strictest": "public",
                "allowed": "home",
                "row": "x",
                "may_leave": leave,
                "has_local": local,
                "outcome": outcome,
                "prefers": prefers,
                "cloud_zone": zone,
            }


def deployments() -> Iterator[dict[str, Scalar]]:
    for outcome, site, required, pilot, models in product(
        ("cloud", "hybrid", "self_hosted"), SITES, BOTH, PILOTS, range(4)
    ):
        # The answers file is refused where it says rented and required; a failed pilot makes the outcome cloud.
        if not (site == "rented" and required) and not (pilot == "failed" and outcome != "cloud"):
            yield {
                "outcome": outcome,
                "site": site,
                "on_premises_required": required,
                "pilot": pilot,
                "local_models": models,
            }


def classes() -> Iterator[dict[str, Scalar]]:
    for name, eu in product(ORDER, BOTH):
        if name not in ("public", "internal") or not eu:
            yield {"data_class": name, "eu_processor": eu}


@pytest.mark.parametrize(
    ("group", "states"),
    [
        ("zone", list(classes())),
        ("outcome", list(firms())),
        ("place", list(places())),
        ("site", list(deployments())),
        ("pattern", list(deployments())),
        ("pilot", list(deployments())),
    ],
)
def test_exactly_one_rule_holds_in_every_state(book: Rulebook, group: Group, states: list[dict[str, Scalar]]) -> None:
    held: Counter[str] = Counter()
    for facts in states:
        found = [rule.id for rule in book.of(group) if holds(rule, facts)]
        assert len(found) == 1, (facts, found)
        held.update(found)
    assert set(held) == {rule.id for rule in book.of(group)}, "a rule that no state makes fire"


def random_answers(seed: int) -> Answers:
    dice = random.Random(seed)  # noqa: S311 - no secret
    site = dice.choice(SITES)
    return Answers.model_validate(
        {
            "people": dice.choice((3, 15, 60, 300)),
            "operations": dice.choice(("in_house", "bought", "none")),
            "site": site,
            "cloud_dkk_per_month": dice.choice((None, 3000, 4900, 20000)),
            "tokens_per_month": dice.choice((None, 10**6, 7 * 10**7, 5 * 10**8)),
            "customers_ask": dice.random() < 0.4,
            "on_premises_required": site != "rented" and dice.random() < 0.4,
            "eu_processor": dice.choice(((), (), ("personal",), ("confidential", "art9"))),
            "pilot": dice.choice(("not_run", "not_run", "passed", "failed")),
            "use_cases": [
                {
                    "name": f"case-{number}",
                    "workload": dice.choice(get_args(Work)),
                    "data": dice.sample(ORDER, dice.randint(1, 2)),
                    "batch": dice.random() < 0.2,
                }
                for number in range(dice.choice((1, 1, 2, 4)))
            ],
        }
    )


def test_every_rule_can_fire(book: Rulebook) -> None:
    """With the real catalogue and planner, over answers drawn by fixed seeds, until all have fired."""
    waiting = {rule.id for rule in book.rules}
    for seed in range(400):
        advice = recommend(random_answers(seed))
        waiting -= {statement.rule for statement in (*advice.statements, *advice.decisions)}
        if waiting == {"profile.none"}:
            break
    assert waiting == {"profile.none"}, "the built-in profiles hold a model for everything"
    advice = advise(random_answers(3).model_copy(update=ACTIVE), book, (), gather().place, gather().look_up)
    assert "profile.none" in {statement.rule for statement in advice.statements}


def test_every_rule_has_a_source_and_a_section_of_it(book: Rulebook) -> None:
    references = [rule.source for rule in book.rules]
    references += [work.row for work in book.workloads.values()]
    references += [named.source for work in book.workloads.values() for named in work.also]
    references += [named.source for named in book.defaults]
    for reference in references:
        assert reference.section in book.documents[reference.source].sections
    used = {(reference.source, reference.section) for reference in references}
    known = {(name, section) for name, one in book.documents.items() for section in one.sections}
    assert known - used == set(), "a section that nothing rests on"


def test_the_kinds_of_work_are_those_of_the_model(book: Rulebook) -> None:
    assert tuple(book.workloads) == get_args(Work)
    for work in book.workloads.values():
        assert work.prefers == "cloud" or work.named, "what is rather done at home has a model for it"
        assert work.prefers == "home" or work.cloud


def test_every_model_for_own_machines_is_in_the_catalogue(book: Rulebook) -> None:
    catalog = load_catalog()
    for named in (*(one for work in book.workloads.values() for one in work.named), *book.defaults):
        find_model(catalog, named.name)


def test_a_fact_that_was_not_answered_is_never_as_wanted(book: Rulebook) -> None:
    (rule,) = (rule for rule in book.rules if rule.id == "trigger.cloud-spend")
    assert not holds(rule, {})
    assert not holds(rule, {"cloud_dkk_per_month": 5000})
    assert holds(rule, {"cloud_dkk_per_month": 5001})
    (yes,) = (rule for rule in book.rules if rule.id == "trigger.customers")
    assert not holds(yes, {"customers_ask": 1}), "1 is not true"


def test_a_sentence_needs_only_facts_that_its_group_has(book: Rulebook) -> None:
    """The random answers say most sentences; this names the fields of all, so that a typo cannot hide in a rare one."""
    fields = {name for rule in book.rules for _, name, _, _ in Formatter().parse(rule.says) if name}
    assert all(re.fullmatch(r"[a-z_]+", name) for name in fields)
    assert fire(book, "duty", {})[0].statement.text.startswith("Inventory")


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "advise.md").read_text(encoding="utf-8")
    assert page == describe_advice(), "run: python -m provision.advise.describe > docs/advise.md"


@pytest.mark.parametrize("text", ["", "- a\n", "a: {group: zone}\n", "a: [\n"])
def test_a_damaged_rules_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.yml").write_text(text, encoding="utf-8")
    with pytest.raises(SetupError) as caught:
        load_rulebook(tmp_path)
    assert caught.value.where.endswith("rules.yml")
