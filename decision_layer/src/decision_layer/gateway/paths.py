"""The paths that there are, and what each is called in policies and records."""

from __future__ import annotations

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
    "messages": "/v1/messages",
}
ENDPOINTS = {path: name for name, path in PATHS.items()}
KEPT_ANSWERS = f"{PATHS['responses']}/"
"""OpenAI's way to answers that the provider keeps. There is none: nothing is kept here to be fetched by an id."""
MODELS, HEALTH, METRICS = "/v1/models", "/health", "/metrics"
PAGES = ("/challenge", "/review", "/approve")
"""For people; a site of their own in Caddy. Everything else under these is a 404 of the pages."""
