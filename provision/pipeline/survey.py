"""`provision models --profile P`: every model of the catalogue against a profile's cards."""

from __future__ import annotations

from provision.catalog import load_catalog
from provision.errors import UsageError
from provision.models.base import Frozen
from provision.models.fit import ModelOnCards
from provision.pipeline.options import Options, choose_profile
from provision.planner.cards import list_cards
from provision.planner.problems import Problems
from provision.planner.survey import survey_models


class Survey(Frozen):
    """`cards` as a person would say them: '2 x rtx-4090'."""

    profile: str
    cards: str
    models: tuple[ModelOnCards, ...]


def survey(options: Options) -> Survey:
    """Raises ProfileError or PlanError for a profile that is not in order, UsageError where it has no card."""
    catalog = load_catalog()
    chosen = choose_profile(options)
    profile = chosen.loaded.profile
    problems = Problems(profile.name)
    cards = list_cards(profile, catalog, chosen.client, simulated=False, problems=problems)
    problems.raise_if_any()
    if not cards:
        raise UsageError(
            f"profile '{profile.name}' has no cards to compare the models with",
            where="hardware.gpus",
            hint="provision models lists all models; --set hardware.gpus=... adds cards",
        )
    groups = ", ".join(f"{group.count} x {group.model}" for group in profile.hardware.gpus)
    return Survey(profile=profile.name, cards=groups, models=survey_models(catalog, cards))
