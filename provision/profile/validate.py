"""The schema's complaints in a user's words: what, where, hint."""

from __future__ import annotations

import difflib
import json
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from provision.errors import ProfileError, ProvisionError
from provision.profile.text import find_hidden, name_character, show
from provision.profile.tree import Node, Path, find_nearest, list_leaves, to_plain, write_path
from provision.profile.wording import HINTS, PATTERNS, PILOT_PATTERNS, describe

_TEMPLATE_MARKS = ("{{", "{%", "{#")


def validate_tree[M: BaseModel](root: Node, problems: list[ProvisionError], model: type[M]) -> M | None:
    """The tree as a `model`; None, with one problem per faulty value added, where the tree is not one."""
    refused = _refuse_strings(root, problems)
    # JSON in strict mode: lists become tuples and texts addresses, but true is no number and "16" is none either.
    # "replace" is for lone surrogates, which an escape can make and UTF-8 cannot hold; _refuse_strings names them.
    document = json.dumps(to_plain(root), ensure_ascii=False).encode("utf-8", "replace")
    try:
        found = model.model_validate_json(document, strict=True)
    except ValidationError as error:
        details = [one for one in error.errors(include_url=False) if not _follows(one) and one["loc"] not in refused]
        problems.extend(_translate(root, one, model) for one in details)
        return None
    return None if refused else found


def _refuse_strings(root: Node, problems: list[ProvisionError]) -> set[Path]:
    """Values that a terminal would not show or that Ansible would evaluate: the same rule for every string."""
    refused = set()
    for path, leaf in list_leaves(root):
        if not isinstance(leaf.value, str):
            continue
        hidden = find_hidden(leaf.value)
        if hidden is not None:
            fault = f"which holds the invisible character {name_character(hidden[1])}"
            hint = "delete it"
        elif any(mark in leaf.value for mark in _TEMPLATE_MARKS):
            fault, hint = "which looks like a template", "write the value itself; {{, {% and {# are not allowed"
        else:
            continue
        refused.add(path)
        what = f"{show_path(path)} is {describe(leaf.value)}, {fault}"
        problems.append(ProfileError(what, where=leaf.source.place, hint=hint))
    return refused


def _follows(details: ErrorDetails) -> bool:
    """pydantic counts only good items, so a list with a bad one seems too short besides."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _translate(root: Node, details: ErrorDetails, model: type[BaseModel]) -> ProfileError:
    path: Path = details["loc"]
    where = find_nearest(root, path).source.place
    if details["type"] == "missing":
        return ProfileError(f"{show_path(path)} is missing", where=where, hint=f"add `{path[-1]}:` there")
    if details["type"] == "extra_forbidden":
        return _complain_unknown(path, where, model)
    if details["type"] == "value_error" and "which is" in details["msg"]:
        fault, _, hint = str(details["msg"]).removeprefix("Value error, ").partition("; ")
    else:
        fault, hint = _word(details)
    return ProfileError(f"{show_path(path)} is {describe(details['input'])}, {fault}", where=where, hint=hint)


def _word(details: ErrorDetails) -> tuple[str, str]:
    """The fault and the hint for pydantic's error types; its own words for those not listed."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "string_pattern_mismatch" and context["pattern"] in (known := PATTERNS | PILOT_PATTERNS):
        return known[context["pattern"]]
    if kind == "literal_error":
        close = difflib.get_close_matches(str(details["input"]), str(context["expected"]).split("'")[1::2], 1)
        return (
            f"which is not one of {context['expected']}",
            f"did you mean '{close[0]}'?" if close else "write one of them",
        )
    if kind == "value_error":
        # The only types that word their own errors, beside ours of units.py: ipaddress's.
        kind = "ip_v4_address" if "addresses" in details["loc"] else "ip_v4_network"
    if kind in HINTS:
        fault, hint = HINTS[kind]
        return fault.format(**context), hint.format(**context)
    return "which is not accepted", f"the schema says: {show(str(details['msg']), 120)}"


def _complain_unknown(path: Path, where: str, model: type[BaseModel]) -> ProfileError:
    known = list_keys(path[:-1], model)
    close = difflib.get_close_matches(str(path[-1]), known, 1)
    hint = f"did you mean '{close[0]}'?" if close else f"known keys here: {', '.join(known)}"
    return ProfileError(f"{show_path(path)} is not a known key", where=where, hint=hint)


def list_keys(path: Path, model: type[BaseModel]) -> list[str]:
    """The keys that `model` knows at `path`; list indexes and optional groups are looked through."""
    for step in path:
        if isinstance(step, str):
            model = _find_model(model.model_fields[step].annotation)
    return list(model.model_fields)


def _find_model(annotation: Any) -> type[BaseModel]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _find_model(part)
        if found is not BaseModel:
            return found
    return BaseModel


def show_path(path: Path) -> str:
    return show(write_path(path), 120)
