"""A cost case from its layers: exchange rates, built-in case, file, a plan's watts, --set; and the price list."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from provision.catalog.prices import RATES_FILE, list_cases, load_prices
from provision.errors import ProfileError, ProvisionError, UsageError
from provision.models.tco import CostCase, PriceUse
from provision.pipeline.tco_layers import lay_over
from provision.profile.document import Layer
from provision.profile.load import read_layer
from provision.profile.settings import read_setting
from provision.profile.text import show
from provision.profile.tree import Node, find_nearest, get_child, list_leaves

Problems = list[ProvisionError]
_LIST = "list:"


class Resolved(NamedTuple):
    """The tree with amounts instead of names, and the names that were there."""

    root: Node
    names: tuple[str, ...]


def read_case_tree(name_or_file: str, problems: Problems) -> Node | None:
    """The built-in case of that name, or a file, which may build on a built-in one with `extends: NAME`; above the
    exchange rates of the catalogue. None, with its problems added, where it cannot be read."""
    case = _read_named(name_or_file, problems)
    rates = _read_layer(RATES_FILE, "built-in", "exchange-rates.yml", problems)
    known = get_child(rates, "rates")
    if case is None or rates is None or known is None:
        return None
    return lay_over(Node(rates.source, {"rates": known}), case, problems)


def lay_settings(root: Node, settings: tuple[str, ...], problems: Problems) -> Node:
    """`--set load.tokens_per_month=50M`, `--set self-hosted.purchase.price='70000 DKK'`: an option goes by its name."""
    for text in settings:
        setting = read_setting(text, problems)
        if setting is None:
            continue
        assert isinstance(setting.value, Mapping)  # noqa: S101 - read_setting makes nothing else
        if not setting.value.keys() & CostCase.model_fields.keys() and setting.value.keys() & _option_names(root):
            setting = Node(setting.source, {"options": setting})
        root = lay_over(root, setting, problems)
    return root


def resolve_prices(root: Node, problems: Problems) -> Resolved:
    """Every `list:NAME` as the amount that the price list has for it."""
    found: list[str] = []
    return Resolved(_resolve(root, found, problems), tuple(dict.fromkeys(found)))


def name_prices(case: CostCase, resolved: Resolved, today: datetime.date) -> tuple[PriceUse, ...]:
    """What the report rests on: the list prices in it, and the exchange rates where currencies are mixed."""
    known = load_prices()
    uses = [
        PriceUse(
            name=name,
            text=f"{price.what}: {price.amount.amount:,f} {price.amount.currency} per {price.unit}",
            kind=price.kind,
            source=price.source,
            date=price.date,
            old=(today - price.date).days > price.max_age_days,
        )
        for name, price in ((name, known.prices[name]) for name in resolved.names)
    ]
    return (*uses, *_rate_use(case, resolved.root, known.rates_max_age_days, today))


def find_place(root: Node, path: tuple[str | int, ...]) -> str:
    """Where in which file the value at `path` was written."""
    return find_nearest(root, path).source.place


def mark_own_rates(root: Node, case: CostCase) -> CostCase:
    """Rates that a file or --set gave do not come from the catalogue's source."""
    own = [name for name in ("DKK", "USD") if _layer_of(root, name) != "built-in"]
    if not own:
        return case
    rates = case.rates.model_copy(update={"source": f"{' and '.join(own)} given with the case", "date": None})
    return case.model_copy(update={"rates": rates})


def _rate_use(case: CostCase, root: Node, max_age_days: int, today: datetime.date) -> tuple[PriceUse, ...]:
    mixed = {
        str(leaf.value).split()[-1].upper()
        for path, leaf in list_leaves(root)
        if path[0] == "options" and isinstance(leaf.value, str) and str(leaf.value).split()[-1].upper() in _CODES
    }
    if mixed <= {case.currency}:
        return ()
    rates = case.rates
    return (
        PriceUse(
            name="exchange rates",
            text=f"EUR 1 = DKK {rates.DKK:f} = USD {rates.USD:f}",
            kind="given" if rates.date is None else "third party",
            source=rates.source,
            date=rates.date,
            old=rates.date is not None and (today - rates.date).days > max_age_days,
        ),
    )


_CODES = {"DKK", "EUR", "USD"}


def _layer_of(root: Node, currency: str) -> str:
    found = get_child(get_child(root, "rates"), currency)
    return found.source.layer if found else "default"


def _resolve(node: Node, found: list[str], problems: Problems) -> Node:
    if isinstance(node.value, Mapping):
        return Node(node.source, {key: _resolve(child, found, problems) for key, child in node.value.items()})
    if isinstance(node.value, tuple):
        return Node(node.source, tuple(_resolve(child, found, problems) for child in node.value))
    if not isinstance(node.value, str) or not node.value.startswith(_LIST):
        return node
    name, known = node.value.removeprefix(_LIST).strip(), load_prices().prices
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean 'list:{close[0]}'?" if close else "provision tco --prices lists them"
        problems.append(ProfileError(f"no price is called '{show(name)}'", where=node.source.place, hint=hint))
        return Node(node.source, "0 EUR")
    found.append(name)
    return Node(node.source, str(known[name].amount))


def _option_names(root: Node) -> set[str]:
    options = get_child(root, "options")
    items = options.value if options is not None and isinstance(options.value, tuple) else ()
    return {str(name.value) for item in items if (name := get_child(item, "name")) is not None}


def _read_named(name_or_file: str, problems: Problems) -> Node | None:
    known = list_cases()
    if name_or_file in known:
        return _read_layer(known[name_or_file], "built-in", f"built-in case {name_or_file}", problems)
    if "/" not in name_or_file and not name_or_file.endswith((".yml", ".yaml")) and not Path(name_or_file).is_file():
        problems.append(_complain_unknown(name_or_file, "--case"))
        return None
    layer = _read_layer(Path(name_or_file), "file", name_or_file, problems)
    base = get_child(layer, "extends")
    if layer is None or base is None:
        return layer
    if base.value not in known:
        problems.append(_complain_unknown(str(base.value), base.source.place))
        return None
    assert isinstance(layer.value, Mapping)  # noqa: S101 - _read_layer returns nothing else
    own = Node(layer.source, {key: child for key, child in layer.value.items() if key != "extends"})
    lower = _read_layer(known[str(base.value)], "built-in", f"built-in case {base.value}", problems)
    return None if lower is None else lay_over(lower, own, problems)


def _read_layer(path: Path, layer: Layer, label: str, problems: Problems) -> Node | None:
    return read_layer(path, layer, label, problems, begin="begin with `extends: sme`, or see docs/tco.md")


def _complain_unknown(name: str, where: str) -> UsageError:
    known = list_cases()
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean '{close[0]}'?" if close else f"built-in cases: {', '.join(known)}; or give a file"
    return UsageError(f"there is no cost case '{show(name)}'", where=where, hint=hint)
