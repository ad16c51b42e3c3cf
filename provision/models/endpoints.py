"""Which of the decision layer's endpoints a model of the stack answers: what its policy promises and `verify` proves.

Where each was read in the pinned release: docs/engine-endpoints.md.
"""

from __future__ import annotations

from provision.models.plan import EngineInstance
from provision.models.routing import CloudEndpoint

_TEXT: tuple[CloudEndpoint, ...] = ("chat", "responses", "messages")
_SERVED = dict.fromkeys(("llama_cpp", "vllm", "ollama"), _TEXT)


def served_endpoints(engine: EngineInstance) -> tuple[CloudEndpoint, ...]:
    """By the engine's own server, and so by a front before it. An engine that nobody looked up chats and no more."""
    return ("embeddings",) if engine.embeddings else _SERVED.get(engine.service, ("chat",))


def further_endpoints(engine: EngineInstance) -> tuple[CloudEndpoint, ...]:
    """By what else than chat a text engine is asked for text."""
    return tuple(endpoint for endpoint in served_endpoints(engine) if endpoint not in ("chat", "embeddings"))
