"""The advice as a draft of the decision layer's policy. Its fixed parts lie in data/policy.yml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import yaml

from provision.advise.facts import class_facts, fire_one, zones_of
from provision.advise.rules import Rulebook, read_policy_parts
from provision.errors import UsageError
from provision.models.advice import Advice, Answers, DataClass, Placement

_HEAD = """\
# A draft by provision advise: read it, and fill in what only you know. decision-layer check FILE says what is wrong.
# - Models outside have no `storage` yet: none is used until you know where its provider keeps prompts and logs, and
#   write that zone there.
# - Keys are names of files in the credentials folder. The address of each own model is in `provision plan`.
# - A client names its task (one of the rules' tasks) and a label; what the detectors find only makes the class higher.
"""
Item = dict[str, Any]


def draft_policy(advice: Advice, answers: Answers, book: Rulebook) -> str:
    """YAML that `decision-layer check` accepts. Raises UsageError where no model runs on machines of the firm's own."""
    if not advice.models:
        raise UsageError(
            "there is no policy to draft: no model runs on machines of the firm's own",
            where="--policy",
            hint="leave --policy out; a policy keeps data in the house, and needs a model there",
        )
    parts = read_policy_parts()
    named = list(dict.fromkeys(name for placement in advice.placements for name in placement.cloud_models))
    upstreams: dict[str, Item] = parts["upstreams"]
    outside = {name: upstreams[name] for name in named if name in upstreams}
    unknown = [name for name in named if name not in upstreams]
    document = {
        "format": 1,
        "name": "advised",
        "version": 1,
        "classes": _classes(answers, book, parts["titles"]),
        "default_class": "internal",
        "zones": parts["zones"],
        "findings": parts["findings"],
        "opaque": "confidential",
        "models": [*_inside(advice), *{item["name"]: item for item in outside.values()}.values()],
        "rules": list(_rules(advice, outside)),
        "clients": parts["clients"],
    }
    left_out = f"# - Left out, since their addresses are not known here: {', '.join(unknown)}.\n" if unknown else ""
    return _HEAD + left_out + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=118)


def _classes(answers: Answers, book: Rulebook, titles: dict[str, str]) -> list[Item]:
    """Lowest first, which is what may go to the most zones: the decision layer refuses any other order."""
    names: tuple[DataClass, ...] = get_args(DataClass)
    items = [
        {
            "name": name,
            "title": titles[name],
            "zones": list(zones_of(fire_one(book, "zone", class_facts(name, answers)))),
        }
        for name in names
    ]
    return sorted(items, key=lambda item: -len(item["zones"]))


def _inside(advice: Advice) -> Iterator[Item]:
    for model in advice.models:
        upstream = {"api": "openai", "url": f"http://127.0.0.1:{model.port}/v1", "model": model.name, "key": "engine"}
        yield {
            "name": model.name,
            "title": f"{model.model} {model.quant}",
            "zone": "home",
            "storage": "home",
            "provider": "self",
            "endpoints": ["chat", "responses", "messages"],
            "upstream": upstream,
        }


def _rules(advice: Advice, outside: dict[str, Item]) -> Iterator[Item]:
    ids = {model.model: model.name for model in advice.models}
    first = advice.models[0].name
    for placement in advice.placements:
        to = _models_for(placement, outside, ids.get(placement.local_model or "", first))
        if placement.place != "nowhere":
            when = {"classes": list(placement.data), "tasks": [placement.use_case]}
            yield {"name": f"case-{placement.use_case}", "title": placement.rules[-1], "when": when, "to": to}
    yield {"name": "everything-else", "title": "Everything else is answered here", "to": [first]}


def _models_for(placement: Placement, outside: dict[str, Item], at_home: str) -> list[str]:
    """What the sources name for it, as far as known, and the own model behind."""
    return [*dict.fromkeys(outside[name]["name"] for name in placement.cloud_models if name in outside), at_home]
