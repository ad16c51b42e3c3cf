"""Open WebUI as a person meets it: sign in, be refused, chat. Calls as Open WebUI 0.12.4 answers them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from provision.models.observation_web import ChatAnswer, ChatObservation, WebStep
from provision.models.plan import EngineInstance, Site
from provision.verify.web_session import SIGN_IN, Session
from provision.verify.web_steps import NOBODY, ask, describe, open_client

SIGN_UP = "/api/v1/auths/signup"
MODELS = "/api/models"
CHAT = "/api/chat/completions"
MAX_TOKENS = 32
PROMPT = "Name the capital of France."


def observe_chat(
    site: Site, ca_file: Path | None, session: Session, engines: Sequence[EngineInstance]
) -> ChatObservation:
    """One chat with each engine; then a sign-in as somebody unknown and a sign-up, which must be refused.

    Open WebUI offers a model under the name that its engine was given, which is the model's name in the plan.
    """
    try:
        client = open_client(site.url, ca_file, site.address)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return ChatObservation(sign_in=session.step, wrong_password=step, sign_up=step)
    with client:
        models = _list_models(client, session.header) if session.step.status == 200 else ()
        answers = tuple(
            _chat(client, session.header, name) for engine in engines if (name := engine.served_name) in models
        )
        wrong, _ = ask(client, SIGN_IN, {"email": NOBODY, "password": secrets.token_urlsafe(12)})
        stranger = f"stranger-{secrets.token_hex(4)}@example.org"
        body = {"name": "Stranger", "email": stranger, "password": secrets.token_urlsafe(12)}
        sign_up, _ = ask(client, SIGN_UP, body)
    return ChatObservation(
        sign_in=session.step,
        role=session.role,
        wrong_password=wrong,
        sign_up=sign_up,
        models=models,
        answers=answers,
    )


def _list_models(client: httpx.Client, token: dict[str, str]) -> tuple[str, ...]:
    try:
        document: Any = client.get(MODELS, params={"refresh": "true"}, headers=token).json()
        return tuple(str(item["id"]) for item in document["data"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return ()


def _chat(client: httpx.Client, token: dict[str, str], model: str) -> ChatAnswer:
    body = {
        "model": model,
        "stream": False,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    step, document = ask(client, CHAT, body, token)
    try:
        text = str(document["choices"][0]["message"]["content"] or "")
        tokens = document.get("usage", {}).get("completion_tokens")
    except (KeyError, IndexError, TypeError, AttributeError):
        return ChatAnswer(model=model, step=step)
    return ChatAnswer(model=model, step=step, text=text, completion_tokens=tokens if isinstance(tokens, int) else None)
