"""`provision advise`: the rules, with the planner's and the catalogue's word on profiles and models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import yaml

from provision.advise import Fitted, ProfileFacts, advise, describe_rules, load_rulebook, parse_answers, read_answers
from provision.advise.choose import KnownModel, LookUp, Place
from provision.advise.policy import draft_policy
from provision.advise.rules import NamedModel
from provision.catalog import find_model, load_catalog
from provision.errors import ErrorGroup, PlanError, ProvisionError, SetupError, UsageError
from provision.models.advice import Advice, Answers, LocalModel, RuleLine
from provision.models.catalog import Catalog, ModelEntry
from provision.models.plan import Plan
from provision.models.profile import Profile, WorkloadModel
from provision.planner import build_plan
from provision.planner.cards import list_cards
from provision.planner.problems import Problems
from provision.profile import list_profiles, load_profile


class Known(NamedTuple):
    """What the rules are told from outside: the built-in profiles, the planner's word, the catalogue's."""

    profiles: tuple[ProfileFacts, ...]
    place: Place
    look_up: LookUp


@cache
def gather() -> Known:
    """Read once per process; the planner's answers are kept."""
    catalog = load_catalog()
    profiles = {summary.name: load_profile(summary.name).profile for summary in list_profiles()}

    @cache
    def place(name: str, models: tuple[str, ...]) -> Fitted:
        return _place(profiles[name], models, catalog)

    facts = tuple(_facts_of(profile, catalog) for profile in profiles.values())
    return Known(facts, place, partial(_look_up, catalog))


def recommend(answers: Answers) -> Advice:
    """The advice for these answers; the planner has placed every model that it names."""
    return advise(answers, load_rulebook(), *gather())


def answers_of(path: Path) -> Answers:
    """Raises ErrorGroup with every fault of the file."""
    return read_answers(path)


def answers_from(text: str) -> Answers:
    """Of the questions at the terminal, put together as a file would be. Raises ErrorGroup."""
    return parse_answers(text, "your answers")


def list_rules() -> tuple[RuleLine, ...]:
    return describe_rules(load_rulebook())


def list_workloads() -> dict[str, str]:
    """Kinds of work with their titles."""
    return {name: work.title for name, work in load_rulebook().workloads.items()}


def draft(advice: Advice, answers: Answers) -> str:
    """The decision layer's policy. Raises UsageError where the advice has no machine of the firm's own."""
    return draft_policy(advice, answers, load_rulebook())


def draft_profile(advice: Advice) -> str:
    """A profile that serves the advice's models on the advised one. Raises UsageError where there is none."""
    if advice.profile is None:
        raise UsageError(
            "there is no profile to write: no machine is advised", where="--profile-file", hint="leave it out"
        )
    own = load_profile(advice.profile).profile.workload.models[0]
    models = [
        own.model_copy(
            update={
                "name": own.name if place == 0 else model.name,
                "model": model.model,
                "quant": model.quant,
                "context": model.context_tokens // model.parallel,
                "parallel": model.parallel,
                "gpus": None,
            }
        ).model_dump(mode="json", exclude_defaults=True)
        for place, model in enumerate(advice.models)
    ]
    head = (
        f"# By provision advise: {advice.profile} with the models of the advice. Then: provision plan --profile FILE\n"
    )
    document = {"extends": advice.profile, "name": "advised", "workload": {"models": models}}
    return head + yaml.safe_dump(document, sort_keys=False)


def write_new(files: Sequence[tuple[Path, str]]) -> None:
    """Write all of them, or none where one is there already or cannot be written. Raises ErrorGroup, SetupError."""
    problems: list[ProvisionError] = []
    seen: set[Path] = set()
    for path, _ in files:
        if path.exists() or path in seen:
            what = "two outputs have the same name" if path in seen else "there is a file of that name already"
            problems.append(UsageError(what, where=str(path), hint="give another name, or take that file away"))
        elif not path.parent.is_dir():
            hint = f"make it first: mkdir -p {path.parent}"
            problems.append(UsageError("its folder does not exist", where=str(path), hint=hint))
        seen.add(path)
    if problems:
        raise ErrorGroup(problems)
    written: list[Path] = []
    try:
        for path, text in files:
            written.append(path)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        what, hint = f"it cannot be written: {error.strerror}", "check the folder's permissions and space"
        raise SetupError(what, where=str(written[-1]), hint=hint) from error


def _facts_of(profile: Profile, catalog: Catalog) -> ProfileFacts:
    problems = Problems(profile.name)
    cards = list_cards(profile, catalog, profile.name, simulated=False, problems=problems)
    problems.raise_if_any()
    return ProfileFacts(
        name=profile.name,
        kind=profile.platform.kind,
        users=profile.workload.users,
        usable_mib=sum(card.usable_mib for card in cards),
    )


def _look_up(catalog: Catalog, named: NamedModel) -> KnownModel:
    entry, explanation = find_model(catalog, named.name, where="provision/advise/data/workloads.yml")
    warnings = [finding.what for finding in entry.findings if finding.severity == "warning"]
    return KnownModel(
        said=named.name,
        model=entry.id,
        source=named.source,
        explanation=explanation,
        warning=warnings[0] if warnings else None,
        maker=entry.id.split("-")[0].rstrip("0123456789."),
    )


def _place(profile: Profile, models: tuple[str, ...], catalog: Catalog) -> Fitted:
    """The planner's word on these models on the profile's cards instead of its own, in the largest files that go.

    Context, slots and cache are those of the profile's first model; its own quantisation stays.
    """
    entries = [catalog.models[name] for name in models]
    choices = [_files(entry, profile) for entry in entries]
    for entry, files in zip(entries, choices, strict=True):
        if not files:
            return Fitted(reason=f"no file of {entry.id} that the profile's engine reads is known")
    room, least = _facts_of(profile, catalog).usable_mib, sum(files[-1][1] for files in choices)
    if least > room:
        return Fitted(reason=f"its smallest known file takes {least} MiB, the cards offer {room} MiB")
    smallest = _plan(profile, entries, [files[-1] for files in choices], catalog)
    while smallest.models:
        if sum(files[0][1] for files in choices) <= room:
            fitted = _plan(profile, entries, [files[0] for files in choices], catalog)
            if fitted.models:
                return fitted
        largest = max((files for files in choices if len(files) > 1), key=lambda files: files[0][1], default=None)
        if largest is None:
            return smallest
        largest.pop(0)
    return smallest


def _plan(
    profile: Profile, entries: Sequence[ModelEntry], files: Sequence[tuple[str, int]], catalog: Catalog
) -> Fitted:
    asked = tuple(_ask(entry, quant, profile) for entry, (quant, _) in zip(entries, files, strict=True))
    workload = profile.workload.model_copy(update={"models": asked})
    changed = profile.model_copy(update={"workload": workload})
    try:
        plan = build_plan(changed, catalog, client="advice", target="live", lab=None)
    except PlanError as error:
        return Fitted(reason=error.what)
    except ErrorGroup as error:
        return Fitted(reason=error.errors[0].what)
    return Fitted(models=_placed(plan))


def _files(entry: ModelEntry, profile: Profile) -> list[tuple[str, int]]:
    """Quantisation and MiB of each file, the largest first; of a model of the profile's own, the one it has."""
    own = {model.model: model.quant for model in profile.workload.models}
    if "llama.cpp" not in entry.engines:
        return []
    known = [(quant.name, quant.file_mib) for quant in entry.quants]
    kept = [file for file in known if file[0] == own.get(entry.id)] or known
    return sorted(kept, key=lambda file: -file[1])


def _ask(entry: ModelEntry, quant: str, profile: Profile) -> WorkloadModel:
    first = profile.workload.models[0]
    context = min(first.context, entry.architecture.max_context)
    name = entry.id.replace(".", "-")[:40].rstrip("-")
    update = {"name": name, "model": entry.id, "quant": quant, "context": context, "gpus": None}
    return first.model_copy(update=update)


def _placed(plan: Plan) -> tuple[LocalModel, ...]:
    return tuple(
        LocalModel(
            name=engine.name,
            model=engine.model,
            quant=engine.quant,
            context_tokens=engine.context_tokens,
            parallel=engine.parallel,
            on_cards_mib=sum(budget.total_mib for budget in engine.cards),
            usable_mib=sum(card.usable_mib for card in plan.cards),
            decode_bound_tok_s=engine.decode_bound_tok_s,
            port=engine.port,
            use_cases=(),
        )
        for engine in plan.engines
    )
