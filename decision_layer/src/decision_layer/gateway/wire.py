"""What is sent to an upstream: the body that was read, under the model's name there, without what is the gateway's."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from decision_layer.gateway import anthropic
from decision_layer.gateway.facts import OWN_METADATA
from decision_layer.gateway.paths import PATHS
from decision_layer.gateway.usage import ask_for_usage, leave_usage
from decision_layer.policy.shape import Model

ANTHROPIC_VERSION = "2023-06-01"
"""The only stable value of the anthropic-version header (platform.claude.com, API versioning)."""

_STAYS = OWN_METADATA | {"user_id"}
"""With Anthropic's name for what OpenAI calls `user` and, later, `safety_identifier`."""


_REFUSE_USAGE = frozenset({"api.mistral.ai"})
"""Mistral's answer to `stream_options` is 422, "Extra inputs are not permitted"; its streams count unasked (GitHub,
openai/openai-agents-python issue 442, dnakov/anon-kode issue 53)."""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    body: bytes
    headers: dict[str, str]
    translate: bool = False
    """The answer is Anthropic's and the client speaks chat completions."""
    authority: str | None = None
    """Who vouches for the URL's host (policy/shape.py)."""


def make_outgoing(model: Model, endpoint: str, body: dict[str, Any], *, home: bool, keys: dict[str, str]) -> Outgoing:
    """Raises anthropic.UntranslatableError where a chat cannot be told in Anthropic's words."""
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", **keys}
    upstream = model.upstream
    sent = _strip(body, upstream.model, home=home)
    if upstream.api == "anthropic":
        headers["anthropic-version"] = ANTHROPIC_VERSION
        if endpoint == "chat":
            translated = orjson.dumps(anthropic.to_messages(sent))
            return Outgoing(
                url=upstream.url + PATHS["messages"].removeprefix("/v1"),
                body=translated,
                headers=headers,
                translate=True,
                authority=upstream.authority,
            )
    elif endpoint == "chat":
        sent = ask_for_usage(sent) if asks_for_usage(model) else leave_usage(sent)
    url = upstream.url + PATHS[endpoint].removeprefix("/v1")
    return Outgoing(url=url, body=orjson.dumps(sent), headers=headers, authority=upstream.authority)


def asks_for_usage(model: Model) -> bool:
    """As the policy says; where it says nothing, everybody but who is known to refuse the question."""
    said = model.upstream.stream_usage
    return urlsplit(model.upstream.url).hostname not in _REFUSE_USAGE if said is None else said


def _strip(body: dict[str, Any], name: str, *, home: bool) -> dict[str, Any]:
    """Who asks stays at home. Metadata that is for the gateway goes to nobody."""
    sent = {**body, "model": name}
    own = OWN_METADATA
    if not home:
        sent.pop("user", None)
        sent.pop("safety_identifier", None)
        own = _STAYS
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        rest = {key: value for key, value in metadata.items() if key not in own}
        if rest:
            sent["metadata"] = rest
        else:
            del sent["metadata"]
    return sent
