"""Read ansible-runner's events: what a person wants to see of them, as our own data."""

from __future__ import annotations

from typing import Any, Literal

from provision.models.events import Event, HostResult, TaskStarted

_MESSAGE_LIMIT = 4000
_Status = Literal["ok", "changed", "failed", "unreachable", "skipped"]


def read_event(raw: dict[str, Any]) -> Event | None:
    """One event, or None for those nobody needs. A failure that the playbook ignores counts as ok."""
    kind = raw.get("event", "")
    data = raw.get("event_data") or {}
    if kind == "runner_on_start":
        return TaskStarted(host=data.get("host", ""), name=data.get("task", ""), role=data.get("role", ""))
    status = _read_status(kind, data)
    if status is None:
        return None
    result = data.get("res") if status in {"failed", "unreachable"} else None
    return HostResult(
        host=data.get("host", ""),
        task=data.get("task", ""),
        role=data.get("role", ""),
        status=status,
        message=_read_message(result) if result is not None else "",
        hint=str(result.get("hint", "")) if isinstance(result, dict) else "",
        seconds=round(float(data.get("duration") or 0.0), 3),
    )


def _read_status(kind: str, data: dict[str, Any]) -> _Status | None:
    if kind == "runner_on_ok":
        changed = isinstance(data.get("res"), dict) and data["res"].get("changed")
        return "changed" if changed else "ok"
    if kind == "runner_on_failed":
        return "ok" if data.get("ignore_errors") else "failed"
    if kind == "runner_on_unreachable":
        return "unreachable"
    return "skipped" if kind == "runner_on_skipped" else None


def _read_message(result: Any) -> str:
    if not isinstance(result, dict):
        return str(result)[:_MESSAGE_LIMIT]
    parts = [str(result[key]).strip() for key in ("msg", "stderr", "stdout") if result.get(key)]
    for item in result.get("results") or []:
        if isinstance(item, dict) and item.get("failed"):
            parts.append(_read_message(item))
    return "\n".join(dict.fromkeys(parts))[:_MESSAGE_LIMIT]
