"""Open WebUI as a person meets it: sign in, be refused, chat. Calls as Open WebUI 0.12.4 answers them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from provision.models.observation_web import ChatAnswer, ChatObservation, WebStep
from provision.models.plan import EngineInstance
from provision.verify.web_steps import NOBODY, RATE_LIMITED, ask, ask_patiently, describe, open_client

SIGN_IN = "/api/v1/auths/signin"
SIGN_UP = "/api/v1/auths/signup"
MODELS = "/api/models"
CHAT = "/api/chat/completions"
MAX_TOKENS = 32
PROMPT = "Name the capital of France."


def observe_chat(
    url: str, ca_file: Path, email: str, password: str, engines: Sequence[EngineInstance]
) -> ChatObservation:
    """Sign in, try to as somebody unknown, try a sign-up, then one chat with each engine.

    Open WebUI offers a model under the name that its engine was given, which is the engine's name in the plan.
    """
    try:
        client = open_client(url, ca_file)
    except OSError as error:
        step = WebStep(error=f"the CA's file cannot be read: {describe(error)}")
        return ChatObservation(sign_in=step, wrong_password=step, sign_up=step)
    with client:
        sign_in, account = ask_patiently(
            client, SIGN_IN, {"email": email, "password": password}, until=frozenset({RATE_LIMITED})
        )
        client.cookies.clear()
        token = {"Authorization": f"Bearer {account.get('token', '')}"}
        models = _list_models(client, token) if sign_in.status == 200 else ()
        answers = tuple(_chat(client, token, engine.name) for engine in engines if engine.name in models)
        wrong, _ = ask(client, SIGN_IN, {"email": NOBODY, "password": secrets.token_urlsafe(12)})
        stranger = f"stranger-{secrets.token_hex(4)}@example.org"
        body = {"name": "Stranger", "email": stranger, "password": secrets.token_urlsafe(12)}
        sign_up, _ = ask(client, SIGN_UP, body)
    return ChatObservation(
        sign_in=sign_in,
        role=str(account.get("role", "")),
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
