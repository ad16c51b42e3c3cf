"""From headers and body to the facts of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from decision_layer.gateway.answers import Refused
from decision_layer.policy.decide import Facts
from decision_layer.policy.load import AUTO, LoadedPolicy
from decision_layer.policy.shape import Client

OWN_METADATA = frozenset({"data_class", "workflow_step", "task_type", "language", "conversation_id"})
"""Keys of `metadata` that are for the gateway; they are not passed on."""
_MAX = 200


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the client said about its request, besides the content."""

    asked: str
    label: str | None
    label_source: str
    step: str
    task: str
    language: str
    user: str
    conversation: str
    stream: bool


def read_request(
    loaded: LoadedPolicy, client: Client, headers: Mapping[bytes, bytes], body: Mapping[str, Any]
) -> Request:
    """Labels by header, then metadata, then the model's suffix. Raises Refused where the model is no name."""
    model = body.get("model", AUTO)
    if not isinstance(model, str) or not 0 < len(model) <= _MAX:
        raise Refused(400, "invalid_model", "`model` must be a model's name, or auto")
    metadata = body.get("metadata")
    given: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    asked, suffix = _split(loaded, model)
    label, source = _find_label(headers, given, suffix)
    trusted = client.trusted_user
    return Request(
        asked=asked,
        label=label,
        label_source=source,
        step=_text(headers, b"x-workflow-step", given, "workflow_step"),
        task=_text(headers, b"x-task-type", given, "task_type"),
        language=_text(headers, b"x-language", given, "language").lower(),
        user=_header(headers, b"x-openwebui-user-email") if trusted else "",
        conversation=_text(headers, b"x-conversation-id", given, "conversation_id")
        or (_header(headers, b"x-openwebui-chat-id") if trusted else ""),
        stream=body.get("stream") is True,
    )


def make_facts(request: Request, client: Client, endpoint: str) -> Facts:
    """Without what the content adds."""
    return Facts(
        endpoint=endpoint,
        client=client.name,
        user=request.user,
        groups=client.groups,
        step=request.step,
        task=request.task,
        language=request.language,
        asked=request.asked,
        label=request.label,
        client_label=client.label,
        may_name=client.models,
    )


def _split(loaded: LoadedPolicy, model: str) -> tuple[str, str | None]:
    """`auto:confidential` is auto with a label; a model's own name may hold a colon (`llama3.3:70b`)."""
    if model in loaded.models:
        return model, None
    name, colon, suffix = model.rpartition(":")
    if colon and (name == AUTO or name in loaded.models):
        return name, suffix
    return model, None


def _find_label(
    headers: Mapping[bytes, bytes], metadata: Mapping[str, Any], suffix: str | None
) -> tuple[str | None, str]:
    """The first that is given; one that is no text counts as an unknown label, which is the highest class."""
    if b"x-data-class" in headers:
        return _header(headers, b"x-data-class"), "header"
    if "data_class" in metadata:
        value = metadata["data_class"]
        return (value if isinstance(value, str) else ""), "metadata"
    return (suffix, "model suffix") if suffix is not None else (None, "")


def _text(headers: Mapping[bytes, bytes], header: bytes, metadata: Mapping[str, Any], key: str) -> str:
    value = metadata.get(key, "")
    return _header(headers, header) or (value[:_MAX] if isinstance(value, str) else "")


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("utf-8", "replace").strip()[:_MAX]
