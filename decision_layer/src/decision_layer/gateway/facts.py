"""From headers and body to the facts of a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from decision_layer.gateway.answers import Refused
from decision_layer.policy.decide import Facts
from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import AUTO, Client

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
    conversations: tuple[str, ...]
    """Every one that it names: the highest class of theirs holds, and all of them rise."""
    doubt: str


def combine(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """By name. One that is given twice holds its values in lines; a single value has no line break (RFC 9112, 5.5)."""
    combined = dict(headers)
    if len(combined) < len(headers):
        for name in combined:
            combined[name] = b"\n".join(value for other, value in headers if other == name)
    return combined


def read_request(
    loaded: LoadedPolicy, client: Client, headers: Mapping[bytes, bytes], body: Mapping[str, Any]
) -> Request:
    """`headers` as `combine` makes them. Raises Refused where the model is no name."""
    model = body.get("model", AUTO)
    if not isinstance(model, str) or not 0 < len(model) <= _MAX:
        raise Refused(400, "invalid_model", "`model` must be a model's name, or auto")
    metadata = body.get("metadata")
    given: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    asked, suffix = _split(loaded, model)
    label, source = _find_label(loaded, headers, given, suffix)
    conversations, doubt = _find_conversations(headers, given, trusted=client.trusted_user)
    return Request(
        asked=asked,
        label=label,
        label_source=source,
        step=_text(headers, b"x-workflow-step", given, "workflow_step"),
        task=_text(headers, b"x-task-type", given, "task_type"),
        language=_text(headers, b"x-language", given, "language").lower(),
        user=_header(headers, b"x-openwebui-user-email") if client.trusted_user else "",
        conversations=conversations,
        doubt=doubt,
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
    loaded: LoadedPolicy, headers: Mapping[bytes, bytes], metadata: Mapping[str, Any], suffix: str | None
) -> tuple[str | None, str]:
    """The highest of all that are given, and where it stood; what is no class of the policy is the highest."""
    given = [(label, "header") for label in _all(headers, b"x-data-class")]
    if "data_class" in metadata:
        value = metadata["data_class"]
        given.append((value if isinstance(value, str) else "", "metadata"))
    if suffix is not None:
        given.append((suffix, "model suffix"))
    if not given:
        return None, ""
    return max(given, key=lambda item: loaded.rank.get(item[0], len(loaded.rank)))


def _find_conversations(
    headers: Mapping[bytes, bytes], metadata: Mapping[str, Any], *, trusted: bool
) -> tuple[tuple[str, ...], str]:
    """Their ids, and a doubt where one is given that is no id: its conversation may have held anything."""
    ids = _all(headers, b"x-conversation-id")
    if trusted:
        ids += _all(headers, b"x-openwebui-chat-id")
    own, doubt = metadata.get("conversation_id"), ""
    if isinstance(own, str | int | float) and not isinstance(own, bool):
        ids.append(str(own)[:_MAX].strip())
    elif own is not None:
        doubt = "the conversation's id is neither text nor a number"
    return tuple(dict.fromkeys(filter(None, ids))), doubt


def _text(headers: Mapping[bytes, bytes], header: bytes, metadata: Mapping[str, Any], key: str) -> str:
    value = metadata.get(key, "")
    return _header(headers, header) or (value[:_MAX] if isinstance(value, str) else "")


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("utf-8", "replace").strip()[:_MAX]


def _all(headers: Mapping[bytes, bytes], name: bytes) -> list[str]:
    """Each value of a header that may be given twice."""
    value = headers.get(name)
    return [] if value is None else [one.decode("utf-8", "replace").strip()[:_MAX] for one in value.split(b"\n")]
