"""Variables of the services' roles, one function per role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provision.errors import PlanError
from provision.inventory.base_vars import address_of
from provision.inventory.secrets import DATABASE_USERS, api_key_of
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.plan import EngineInstance, Plan, PlannedMachine, PlannedService

_LOOPBACK = "127.0.0.1"


def service_vars(plan: Plan, machine: PlannedMachine, given: InventoryInput) -> dict[str, Any]:
    """Variables of all services of one machine."""
    variables: dict[str, Any] = {}
    for service in plan.services:
        if service.machine == machine.name and service.name in _BUILDERS:
            variables |= _BUILDERS[service.name](plan, machine, service, given)
    return variables


def _llama_cpp(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    engines = [engine for engine in plan.engines if engine.machine == machine.name]
    wanted = {engine.model_file for engine in engines}
    return {
        **_release(service, given),
        "llama_cpp_build_environment": {"GGML_CUDA": "ON"} if (service.release or "").endswith("-cuda") else {},
        "llama_cpp_models": [model.model_dump(mode="json") for model in given.model_files if model.file in wanted],
        "llama_cpp_instances": [_instance(plan, machine, engine) for engine in engines],
    }


def _instance(plan: Plan, machine: PlannedMachine, engine: EngineInstance) -> dict[str, Any]:
    cards = {card.index: card for card in plan.cards}
    chosen = [cards[budget.card] for budget in engine.cards]
    return {
        "name": engine.name,
        "address": str(machine.address),
        "port": engine.port,
        "model_file": engine.model_file,
        "alias": engine.name,
        # By UUID where it is known: the numbers of cards may change from boot to boot.
        "cuda_visible_devices": ",".join(card.uuid or str(card.index) for card in chosen),
        "context_tokens": engine.context_tokens,
        "parallel": engine.parallel,
        "kv_type": engine.kv,
        "split_mode": engine.split_mode,
        "tensor_split": ",".join(str(share) for share in engine.tensor_split),
        "gpu_layers": engine.gpu_layers,
        "batch": engine.batch,
        "ubatch": engine.ubatch,
        "embeddings": engine.embeddings,
        "pooling": "" if engine.pooling == "model" else engine.pooling,
        "threads": engine.threads,
        "api_key": api_key_of(engine.name),
    }


def _postgresql(plan: Plan, machine: PlannedMachine, service: PlannedService, _: InventoryInput) -> dict[str, Any]:
    users = [user for user in plan.services if user.name in DATABASE_USERS]
    return {
        "postgresql_listen_address": str(machine.address) if any(u.machine != machine.name for u in users) else "",
        "postgresql_port": service.port,
        "postgresql_databases": [
            {
                "name": user.name,
                "owner": user.name,
                "password": _database_password(user.name),
                "clients": [f"{_seen_from(plan, machine.name, user.machine)}/32"],
            }
            for user in users
        ],
    }


def _open_webui(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    gateway = next((other.machine for other in plan.services if other.name == "caddy"), None)
    engines = _text_engines(plan, service)
    return {
        **_release(service, given),
        "open_webui_address": str(machine.address),
        "open_webui_port": service.port,
        **({"open_webui_proxy_address": str(address_of(plan, gateway))} if gateway else {}),
        "open_webui_database": _database(plan, machine, "open_webui"),
        "open_webui_secret_key": SecretReference(name="open_webui_secret_key"),
        "open_webui_admin": {
            "email": plan.admin_email,
            "name": plan.admin_name,
            "password": SecretReference(name="open_webui_admin_password"),
        },
        "open_webui_engines": [_engine(plan, engine) for engine in engines],
        "open_webui_url": _site_url(plan, "chat", machine, service),
        "open_webui_default_model": engines[0].name,
    }


def _n8n(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    first, _, last = plan.admin_name.partition(" ")
    model = _text_engines(plan, service)[0]
    return {
        **_release(service, given),
        "n8n_address": str(machine.address),
        "n8n_port": service.port,
        "n8n_database": _database(plan, machine, "n8n"),
        "n8n_encryption_key": SecretReference(name="n8n_encryption_key"),
        "n8n_owner": {
            "email": plan.admin_email,
            "first_name": first,
            # n8n wants a last name; an account like "Administrator" is told apart by its client.
            "last_name": last or plan.client,
            "password_hash": SecretReference(name="n8n_owner_password_hash"),
        },
        "n8n_url": _site_url(plan, "flows", machine, service),
        "n8n_model": {**_engine(plan, model), "name": model.name},
        "n8n_webhook_key": SecretReference(name="n8n_webhook_key"),
    }


def _caddy(plan: Plan, machine: PlannedMachine, _service: PlannedService, _: InventoryInput) -> dict[str, Any]:
    return {
        "caddy_address": str(machine.address),
        "caddy_sites": [
            site.model_dump(include={"name", "host", "port", "upstream", "purpose"}) for site in plan.sites
        ],
    }


_BUILDERS: dict[str, Callable[[Plan, PlannedMachine, PlannedService, InventoryInput], dict[str, Any]]] = {
    "llama_cpp": _llama_cpp,
    "postgresql": _postgresql,
    "open_webui": _open_webui,
    "n8n": _n8n,
    "caddy": _caddy,
}


def _release(service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    bundle = next((bundle for bundle in given.bundles if bundle.release == service.release), None)
    return {
        f"{service.name}_release_id": service.release,
        f"{service.name}_bundle": {"url": bundle.url, "sha256": bundle.sha256} if bundle else {},
    }


def _database(plan: Plan, machine: PlannedMachine, user: str) -> dict[str, Any]:
    server = next(service for service in plan.services if service.name == "postgresql")
    return {
        "host": _seen_from(plan, machine.name, server.machine),
        "port": server.port,
        "name": user,
        "user": user,
        "password": _database_password(user),
    }


def _database_password(user: str) -> SecretReference:
    return SecretReference(name=f"{user}_database_password")


def _text_engines(plan: Plan, service: PlannedService) -> tuple[EngineInstance, ...]:
    """At least one engine that writes text. Raises PlanError: given none, Open WebUI would ask api.openai.com."""
    if not plan.text_engines:
        raise PlanError(
            f"'{service.name}' needs a model that writes text, and the plan has none",
            where=f"plan of '{plan.profile}', engines",
            hint=f"add a chat model to workload.models, or take '{service.name}' out of machines",
        )
    return plan.text_engines


def _engine(plan: Plan, engine: EngineInstance) -> dict[str, Any]:
    return {"url": f"http://{address_of(plan, engine.machine)}:{engine.port}/v1", "key": api_key_of(engine.name)}


def _site_url(plan: Plan, name: str, machine: PlannedMachine, service: PlannedService) -> str:
    """What a person opens, without a slash at the end; the service itself where no gateway leads to it."""
    site = next((site for site in plan.sites if site.name == name), None)
    return site.url.rstrip("/") if site else f"http://{machine.address}:{service.port}"


def _seen_from(plan: Plan, here: str, there: str) -> str:
    """The address of one machine as another sees it; loopback where they are the same."""
    return _LOOPBACK if here == there else str(address_of(plan, there))
