"""Variables of the services' roles, one function per role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provision.errors import PlanError
from provision.inventory.balancer_vars import balancer_fronts
from provision.inventory.base_vars import address_of, seen_from
from provision.inventory.caddy_vars import caddy_vars
from provision.inventory.decision_layer_vars import decision_layer_vars, endpoint
from provision.inventory.grafana_vars import grafana_vars
from provision.inventory.langfuse_vars import langfuse_vars
from provision.inventory.observe_vars import (
    alertmanager_vars,
    gpu_exporter_vars,
    node_exporter_vars,
    prometheus_vars,
)
from provision.inventory.ollama_vars import ollama_vars
from provision.inventory.policy import AUTO
from provision.inventory.qdrant_vars import qdrant_vars, vector_store
from provision.inventory.secrets import DOCUMENTS_CLIENT, SIGN_IN_SECRET, api_key_of, database_password, database_users
from provision.inventory.vllm_vars import vllm_vars
from provision.models.inventory import InventoryInput, SecretReference
from provision.models.plan import EngineInstance, Plan, PlannedMachine, PlannedService, build_environment
from provision.models.system import VERSIONS


def service_vars(plan: Plan, machine: PlannedMachine, given: InventoryInput) -> dict[str, Any]:
    """Variables of all services of one machine."""
    variables: dict[str, Any] = {}
    for service in plan.services:
        if service.machine == machine.name and service.name in _BUILDERS:
            variables |= _BUILDERS[service.name](plan, machine, service, given)
    return variables


def _llama_cpp(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    engines = engines_of(plan, machine, service)
    wanted = {engine.model_file for engine in engines}
    return {
        **_release(service, given),
        "llama_cpp_build_environment": build_environment(service.name, service.release),
        "llama_cpp_models": [model.model_dump(mode="json") for model in given.model_files if model.file in wanted],
        "llama_cpp_instances": [_instance(plan, machine, engine) for engine in engines],
        "llama_cpp_fronts": balancer_fronts(plan, machine),
        # Saved states are host memory, and a simulated card shows all memory of its process.
        **({"llama_cpp_context_checkpoints": 0} if any(e.simulated and e.cards for e in engines) else {}),
    }


def _ollama(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    return {**_release(service, given), **ollama_vars(plan, machine, engines_of(plan, machine, service), given)}


def engines_of(plan: Plan, machine: PlannedMachine, service: PlannedService) -> list[EngineInstance]:
    """The model servers of one service on one machine, in the plan's order."""
    return [engine for engine in plan.engines if (engine.machine, engine.service) == (machine.name, service.name)]


def _instance(plan: Plan, machine: PlannedMachine, engine: EngineInstance) -> dict[str, Any]:
    cards = {card.index: card for card in plan.cards}
    chosen = [cards[budget.card] for budget in engine.cards]
    return {
        "name": engine.name,
        "address": str(machine.address),
        "port": engine.port,
        "model_file": engine.model_file,
        "alias": engine.served_name,
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
        "api_key": api_key_of(engine),
    }


def _vllm(plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    return {**_release(service, given), **vllm_vars(plan, machine, service, given)}


def _decision_layer(
    plan: Plan, machine: PlannedMachine, service: PlannedService, given: InventoryInput
) -> dict[str, Any]:
    return {**_release(service, given), **decision_layer_vars(plan, machine, service, given)}


def _postgresql(plan: Plan, machine: PlannedMachine, service: PlannedService, _: InventoryInput) -> dict[str, Any]:
    users = [user for user in plan.services if user.name in database_users(plan)]
    return {
        "postgresql_listen_address": str(machine.address) if any(u.machine != machine.name for u in users) else "",
        "postgresql_port": service.port,
        "postgresql_major": VERSIONS[plan.system].postgresql,
        "postgresql_databases": [
            {
                "name": user.name,
                "owner": user.name,
                "password": database_password(user.name),
                "clients": [f"{seen_from(plan, machine.name, user.machine)}/32"],
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
        "open_webui_python": VERSIONS[plan.system].python,
        **({"open_webui_proxy_address": str(address_of(plan, gateway))} if gateway else {}),
        "open_webui_database": _database(plan, machine, "open_webui"),
        "open_webui_secret_key": SecretReference(name="open_webui_secret_key"),
        "open_webui_admin": {
            "email": plan.admin_email,
            "name": plan.admin_name,
            "password": SecretReference(name="open_webui_admin_password"),
        },
        "open_webui_engines": [endpoint(plan, "open-webui")],
        "open_webui_url": _site_url(plan, "chat", machine, service),
        "open_webui_default_model": AUTO,
        # The lab's small model writes no searches: it babbles to the end of its context.
        "open_webui_query_generation": not engines[0].simulated,
        "open_webui_vectors": vector_store(plan),
        "open_webui_embedding": _embedding(plan),
        "open_webui_oidc": _sign_in(plan),
    }


def _sign_in(plan: Plan) -> dict[str, Any]:
    """Empty where only passwords count."""
    if plan.sign_in is None:
        return {}
    said = plan.sign_in.model_dump(include={"issuer", "client_id", "name"})
    return {**said, "client_secret": SecretReference(name=SIGN_IN_SECRET)}


def _embedding(plan: Plan) -> dict[str, Any]:
    """The plan's model that makes vectors of text; empty for the small one that Open WebUI's release brings."""
    engine = next((engine for engine in plan.engines if engine.embeddings), None)
    return {**endpoint(plan, DOCUMENTS_CLIENT), "model": engine.served_name} if engine else {}


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
        "n8n_model": {**endpoint(plan, "n8n"), "name": AUTO},
        "n8n_engines": [_asked_model(plan, engine) for engine in plan.asked_engines],
        "n8n_document_classes": list(plan.document_classes),
        "n8n_document_characters": _readable_characters(model),
        # The lab's small model writes on until it is stopped.
        "n8n_summary_characters": 40 if model.simulated else 300,
        "n8n_webhook_key": SecretReference(name="n8n_webhook_key"),
    }


def _asked_model(plan: Plan, engine: EngineInstance) -> dict[str, Any]:
    place = endpoint(plan, "n8n")
    health = f"{str(place['url']).removesuffix('/v1')}/health"
    return {**place, "name": engine.served_name, "health_url": health, "embeddings": engine.embeddings}


def _readable_characters(model: EngineInstance) -> int:
    """What surely fits one slot beside the question and the answer, at two characters a token (German has three)."""
    return max(1000, 2 * (model.context_tokens // model.parallel - 1000))


_BUILDERS: dict[str, Callable[[Plan, PlannedMachine, PlannedService, InventoryInput], dict[str, Any]]] = {
    "llama_cpp": _llama_cpp,
    "ollama": _ollama,
    "vllm": _vllm,
    "decision_layer": _decision_layer,
    "postgresql": _postgresql,
    "qdrant": qdrant_vars,
    "open_webui": _open_webui,
    "n8n": _n8n,
    "langfuse": langfuse_vars,
    "caddy": caddy_vars,
    "prometheus": prometheus_vars,
    "alertmanager": alertmanager_vars,
    "grafana": grafana_vars,
    "node_exporter": node_exporter_vars,
    "gpu_exporter": gpu_exporter_vars,
}


def _release(service: PlannedService, given: InventoryInput) -> dict[str, Any]:
    if service.artifacts:
        wanted = [artifact for artifact in given.artifacts if artifact.name in service.artifacts]
        return {
            f"{service.name}_release_id": service.release,
            f"{service.name}_artifacts": [artifact.model_dump(exclude={"name"}) for artifact in wanted],
        }
    bundle = next((bundle for bundle in given.bundles if bundle.release == service.release), None)
    return {
        f"{service.name}_release_id": service.release,
        f"{service.name}_bundle": {"url": bundle.url, "sha256": bundle.sha256} if bundle else {},
    }


def _database(plan: Plan, machine: PlannedMachine, user: str) -> dict[str, Any]:
    server = next(service for service in plan.services if service.name == "postgresql")
    return {
        "host": seen_from(plan, machine.name, server.machine),
        "port": server.port,
        "name": user,
        "user": user,
        "password": database_password(user),
    }


def _text_engines(plan: Plan, service: PlannedService) -> tuple[EngineInstance, ...]:
    """At least one engine that writes text. Raises PlanError: given none, Open WebUI would ask api.openai.com."""
    if not plan.text_engines:
        raise PlanError(
            f"'{service.name}' needs a model that writes text, and the plan has none",
            where=f"plan of '{plan.profile}', engines",
            hint=f"add a chat model to workload.models, or take '{service.name}' out of machines",
        )
    return plan.text_engines


def _site_url(plan: Plan, name: str, machine: PlannedMachine, service: PlannedService) -> str:
    """What a person opens, without a slash at the end; the service itself where no gateway leads to it."""
    site = next((site for site in plan.sites if site.name == name), None)
    return site.url.rstrip("/") if site else f"http://{machine.address}:{service.port}"
