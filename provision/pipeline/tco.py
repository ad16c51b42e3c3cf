"""`provision tco`: a cost case from files and settings, with a plan's cards where one is asked about, as a report."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

from provision.catalog.prices import load_prices
from provision.errors import ErrorGroup, ProfileError, ProvisionError, UsageError
from provision.models.base import Frozen
from provision.models.tco import CostCase, CostReport, PriceList
from provision.pipeline.options import Options
from provision.pipeline.tco_case import (
    find_place,
    lay_settings,
    mark_own_rates,
    name_prices,
    read_case_tree,
    resolve_prices,
)
from provision.pipeline.tco_layers import drop_stale_ranges, lay_over
from provision.profile.tree import Node, find_value
from provision.profile.validate import validate_tree
from provision.tco import build_report, check_case


class CostQuestion(Frozen):
    """The options of `provision tco`, as typed. `settings` are those of the case, not of the profile."""

    case: str
    settings: tuple[str, ...] = ()
    profile: str | None = None
    client: str | None = None
    receipt: Path | None = None
    key: str | None = None
    against: str | None = None


def answer_cost(question: CostQuestion, today: datetime.date) -> CostReport:
    """Raises ErrorGroup with all that is wrong with the case, UsageError, and what a plan or a receipt raises."""
    problems: list[ProvisionError] = []
    root = read_case_tree(question.case, problems)
    notes: tuple[str, ...] = ()
    if root is not None and (question.profile or question.client):
        root, notes = _lay_power(root, question, problems)
    elif question.receipt is not None:
        raise UsageError(
            "a receipt's watts need the stack that they were measured on",
            where="--receipt",
            hint="add --profile NAME or --client NAME",
        )
    if root is None:
        raise ErrorGroup(problems)
    resolved = resolve_prices(lay_settings(root, question.settings, problems), problems)
    case = validate_tree(resolved.root, problems, CostCase)
    if case is not None:
        case = drop_stale_ranges(case, resolved.root)
        faults = check_case(case)
        problems += [ProfileError(one.what, where=find_place(resolved.root, one.path), hint=one.hint) for one in faults]
    if problems or case is None:
        raise ErrorGroup(problems)
    _require_rival(case, question.against)
    case = mark_own_rates(resolved.root, case)
    return build_report(case, against=question.against, prices=name_prices(case, resolved, today), notes=notes)


def _lay_power(root: Node, question: CostQuestion, problems: list[ProvisionError]) -> tuple[Node, tuple[str, ...]]:
    """The first option's electricity and capacity from the plan, over the file and below --set."""
    from provision.pipeline.planning import make_plan
    from provision.pipeline.tco_power import measured_power, plan_power, power_layer

    options = Options(profile=question.profile, client=question.client)
    power = plan_power(make_plan(options).plan)
    if question.receipt is not None:
        from provision.pipeline.verification import verify_receipt_file

        power = measured_power(power, verify_receipt_file(question.receipt, options, question.key).receipt)
    name = find_value(root, "options", 0, "name")
    if not isinstance(name, str):
        return root, power.notes
    priced = find_value(root, "options", 0, "electricity", "price_per_kwh") is not None
    return lay_over(root, power_layer(power, name, priced=priced), problems), power.notes


def _require_rival(case: CostCase, against: str | None) -> None:
    names = [option.name for option in case.options[1:]]
    if against is not None and against not in names:
        raise UsageError(
            f"'{against}' is no option that '{case.options[0].name}' can be held against",
            where="--against",
            hint=f"write one of {', '.join(names)}" if names else "the case has one option only",
        )


def list_prices() -> PriceList:
    """The price list. Raises SetupError."""
    return load_prices()


def today() -> datetime.date:
    """The day that prices are old on, UTC."""
    return datetime.datetime.now(datetime.UTC).date()


def save_page(path: Path, text: str) -> None:
    """The page whole or not at all. Raises UsageError where it cannot be written."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as stream:
            draft = Path(stream.name)
            stream.write(text)
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        raise UsageError(
            f"the page cannot be written: {error.strerror}",
            where=str(path),
            hint="name a file in a folder that exists and that you may write to",
        ) from error
