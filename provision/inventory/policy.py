"""The decision layer's policy, built from the plan: which models there are, where data of a class may go, and who asks.

Its shape is decision_layer/src/decision_layer/policy/shape.py, its meaning that package's README. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provision.inventory.base_vars import address_of
from provision.inventory.secrets import DOCUMENTS_CLIENT, decision_clients
from provision.models.base import Frozen
from provision.models.endpoints import served_endpoints
from provision.models.plan import EngineInstance, Plan
from provision.models.routing import CloudClass, CloudModel

HOME = "self-hosted"
AUTO = "auto"
"""What a client asks for to leave the choice to the policy: decision_layer/policy/load.py."""
_CLASSES = {
    "public": "Published or meant to be",
    "internal": "The firm's own",
    "confidential": "A client's matter",
    "personal": "Personal data",
    "art9": "GDPR Art. 9 and 10",
    "secrecy": "Professional secrecy",
}
"""Lowest first, with their titles: decision_layer/examples/hybrid-firm.yml."""
_COUNTRIES = ("dk", "de", "at", "ch", "fr", "nl", "se", "no", "gb", "ie", "eu")
_FINDINGS = {
    **dict.fromkeys(("email", "phone", "dob", "iban", "card"), "personal"),
    **{f"{country}.*": "personal" for country in _COUNTRIES},
    "secret.*": "confidential",
    "art9.*": "art9",
    "art10.*": "art9",
    "secrecy.*": "secrecy",
}
"""A detector's kind to the class that it makes of a text."""
_BODY_BYTES = 32 * 2**20
"""A chat with a few photographs in it."""
_AT_ONCE = 64
"""Requests of one application that may be under way; the engines queue what exceeds their slots."""
_PER_MINUTE = 6000


_OF_THE_PLAN = ("models", "clients", "reviewers", "approvers")
"""What a firm's own policy never says: it comes from the plan, with its keys."""


def build_policy(plan: Plan, authorities: Mapping[str, str], firm: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole file as data, without any key.

    `authorities`: PEM by the file that a model names as its authority. `firm`: the firm's own policy, which says
    everything but models, clients and people; the own models are in its first zone that is home.
    """
    zones = firm.get("zones", ()) if firm else ()
    home = next((zone["name"] for zone in zones if zone.get("home")), HOME)
    own = [_own_model(plan, engine, home) for engine in (*plan.text_engines, *_embedding_engines(plan))]
    said = {name: value for name, value in firm.items() if name not in _OF_THE_PLAN} if firm else _say(plan, own)
    return {
        **said,
        "models": [*own, *(_cloud_model(model, authorities) for model in plan.routing.models)],
        "clients": [_client(plan, name) for name in decision_clients(plan)],
        **_people(plan),
        "limits": {"body_bytes": _BODY_BYTES, **said.get("limits", {})},
    }


def _say(plan: Plan, own: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Classes, zones and rules as the profile's `routing` has them."""
    outside: dict[str, CloudClass] = {item.name: item for item in plan.routing.classes}
    return {
        "format": 1,
        "name": plan.client,
        "version": 1,
        "classes": [_class(name, title, outside.get(name)) for name, title in _CLASSES.items()],
        "default_class": plan.routing.default_class,
        "zones": [{"name": HOME, "title": "self-hosted", "home": True}, *map(_plain, plan.routing.zones)],
        "findings": _FINDINGS,
        **({"second_stage": _plain(plan.routing.second_stage)} if plan.routing.second_stage else {}),
        "opaque": "confidential",
        "rules": [
            *map(_plain, plan.routing.rules),
            {"name": "otherwise", "title": "Everything else is answered at home", "to": [item["name"] for item in own]},
        ],
        **({"budgets": [_plain(budget) for budget in plan.routing.budgets]} if plan.routing.budgets else {}),
    }


def _class(name: str, title: str, outside: CloudClass | None) -> dict[str, Any]:
    zones = [HOME, *(outside.zones if outside else ())]
    held = {"approval": True} if outside and outside.approval else {}
    return {"name": name, "title": title, "zones": zones, **held}


def _people(plan: Plan) -> dict[str, Any]:
    roles = {"reviewers": plan.routing.reviewers, "approvers": plan.routing.approvers}
    return {role: [{"name": name, "key": person_key(name)} for name in names] for role, names in roles.items() if names}


def _embedding_engines(plan: Plan) -> tuple[EngineInstance, ...]:
    return tuple(engine for engine in plan.asked_engines if engine.embeddings)


def _own_model(plan: Plan, engine: EngineInstance, home: str) -> dict[str, Any]:
    """A text that is split for embeddings comes as many inputs of one request, so its sum is held to no context."""
    name = engine.served_name
    return {
        "name": name,
        "title": engine.model,
        "zone": home,
        "storage": home,
        "provider": "self",
        "revision": engine.model_file,
        "endpoints": list(served_endpoints(engine)),
        **({} if engine.embeddings else {"context": engine.context_tokens // engine.parallel}),
        "upstream": {
            "api": "openai",
            "url": f"http://{address_of(plan, engine.machine)}:{plan.entry_port(engine)}/v1",
            "model": name,
            "key": engine_key(engine),
        },
    }


def _cloud_model(model: CloudModel, authorities: Mapping[str, str]) -> dict[str, Any]:
    there = _plain(model)
    upstream: dict[str, Any] = {name: there.pop(name) for name in ("api", "url", "model", "header") if name in there}
    upstream |= {"api": model.api, "key": cloud_key(there.pop("key"))}
    if authority := there.pop("authority", None):
        upstream["authority"] = authorities[authority]
    del there["addresses"]
    return {**there, "upstream": upstream}


def _plain(item: Frozen) -> dict[str, Any]:
    """As the profile said it, without what it left out."""
    plain: dict[str, Any] = item.model_dump(mode="json", exclude_defaults=True)
    return plain


def _client(plan: Plan, name: str) -> dict[str, Any]:
    """Open WebUI chats with models that write text, outside too, and has vectors made by the others: a key for each."""
    vectors = [engine.served_name for engine in _embedding_engines(plan)]
    outside = [model.name for model in plan.routing.models if "chat" in model.endpoints]
    texts = [*(engine.served_name for engine in plan.text_engines), *outside]
    may_name = {"open-webui": texts if vectors else [], DOCUMENTS_CLIENT: vectors}.get(name, [])
    return {
        "name": name,
        "key": client_key(name),
        **({"models": may_name} if may_name else {}),
        "requests_per_minute": _PER_MINUTE,
        "concurrent": _AT_ONCE,
        # Open WebUI says for whom it asks.
        **({"trusted_user": True} if name.startswith("open-webui") else {}),
    }


def engine_key(engine: EngineInstance) -> str:
    """Name of the file with the engine's key in the decision layer's credentials."""
    return f"engine-{engine.served_name}"


def cloud_key(key: str) -> str:
    """Name of the file with a provider's key in the decision layer's credentials."""
    return f"cloud-{key}"


def person_key(person: str) -> str:
    """Name of the file with a reviewer's or an approver's key in the decision layer's credentials."""
    return f"person-{person}"


def client_key(name: str) -> str:
    """Name of the file with a client's key in the decision layer's credentials."""
    return f"client-{name}"
