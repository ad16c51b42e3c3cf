"""Requests of every kind that a decision can depend on, generated from a seed."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

PLAIN = "The crew meets at nine in front of hall two."
TEXTS = (
    PLAIN,
    "Please transfer it to DE89 3704 0044 0532 0130 00 today.",
    "Write to anna.sommer@kanzlei-muster.example about it.",
    "She has been on sick leave since the chemotherapy.",
    "Attorney-client privileged: the defendant's statement.",
    "Card 4111 1111 1111 1111 and IBAN DE89 3704 0044 0532 0130 00, write to a.b@example.org.",
    PLAIN * 60,  # more than the policy lets be read
    PLAIN * 20,  # more than one model's context
)
_PNG = "data:image/png;base64,iVBORw0KGgo="
_PARTS: tuple[dict[str, Any] | None, ...] = (
    *([None] * 10),
    {"type": "image_url", "image_url": {"url": _PNG}},
    {"type": "hologram", "x": "y"},
)
LABELS = (
    *([None] * 6),
    "public",
    "public",
    "public",
    "internal",
    "internal",
    "confidential",
    "personal",
    "art9",
    "secrecy",
    "no-such",
)
_MODELS = ("auto", "auto", "auto", "chat", "mistral-medium", "claude-opus", "auto:public", "auto:art9", "gpt-9")
_TASKS = ("", "strategy", "strategy", "marketing", "marketing", "a task of nobody's")


class Asked(NamedTuple):
    client: str
    endpoint: str
    headers: dict[bytes, bytes]
    body: dict[str, Any]
    spent: tuple[str, ...]


def generate(seed: int, count: int) -> list[Asked]:
    dice = random.Random(seed)  # noqa: S311 - a seed, not a secret
    return [_ask_for_a_word(dice) if dice.random() < 0.03 else _ask(dice) for _ in range(count)]


def _ask_for_a_word(dice: random.Random) -> Asked:
    """What only a second person's word lets leave, which is rare among the others."""
    body = {"model": "mistral-medium", "messages": [{"role": "user", "content": PLAIN + "!" * dice.randrange(90)}]}
    return Asked("open-webui", "chat", {b"x-data-class": b"internal", b"x-openwebui-user-email": b"eve@firm"}, body, ())


def _ask(dice: random.Random) -> Asked:
    part = dice.choice(_PARTS)
    endpoint = dice.choice(("chat", "chat", "responses", "messages"))
    text = dice.choice(TEXTS) if dice.random() < 0.6 else PLAIN
    body: dict[str, Any] = {"model": dice.choice(_MODELS)}
    if endpoint == "responses":
        body["input"] = text
    else:
        body["messages"] = [{"role": "user", "content": [{"type": "text", "text": text}, part] if part else text}]
    metadata = {"conversation_id": dice.choice((*([None] * 8), 7, f"talk {dice.randrange(40)}", ["odd"]))}
    if dice.random() < 0.1:
        metadata["data_class"] = dice.choice(LABELS)
    body["metadata"] = {name: value for name, value in metadata.items() if value is not None}
    label, task = dice.choice(LABELS), dice.choice(_TASKS)
    said = {"x-data-class": label, "x-task-type": task, "x-openwebui-user-email": dice.choice(("", "eve@example.org"))}
    headers = {name.encode(): value.encode() for name, value in said.items() if value}
    return Asked(dice.choice(("open-webui", "n8n")), endpoint, headers, body, dice.choice(((), (), ("cloud",))))
