"""GET /metrics for Prometheus: what was counted, and how audit trail and challenges stand at that moment.

By a name and password of its own: who may ask models may not read it, and who reads it may ask nothing.
Format: prometheus.io/docs/instrumenting/exposition_formats, text, 0.0.4.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from decision_layer.audit import verified
from decision_layer.audit.record import utc_now
from decision_layer.audit.store import AuditStore
from decision_layer.challenge.cases import Cases
from decision_layer.gateway.answers import Receive, Refused, Send, send_whole
from decision_layer.gateway.callers import read_basic, read_key
from decision_layer.gateway.counts import Counts, Labels
from decision_layer.gateway.scanner import Scanner
from decision_layer.gateway.settings import Settings
from decision_layer.gateway.turnstile import Turnstile

_TYPE = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_PREFIX = "decision_layer_"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Family(NamedTuple):
    """One metric: its samples by the values of `labels`."""

    name: str
    kind: str
    told: str
    labels: tuple[str, ...]
    samples: Mapping[Labels, float]


class Metrics:
    """An application of its own, at one path of the gateway."""

    def __init__(
        self,
        settings: Settings,
        counts: Counts,
        turnstile: Turnstile,
        scanner: Scanner,
        store: AuditStore,
        cases: Cases,
    ) -> None:
        """Raises DecisionLayerError where the password cannot be read."""
        self._counts, self._turnstile, self._scanner = counts, turnstile, scanner
        self._store, self._cases = store, cases
        self._state = settings.state
        reader = settings.metrics
        self._reader = (reader.user, read_key(settings.credentials, reader.key)) if reader else None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Raises Refused: 404 where nobody is to read them, 401 for anybody else than who is."""
        if self._reader is None:
            raise Refused(404, "unknown_path", "there are no metrics here")
        given = read_basic(dict(scope["headers"]).get(b"authorization", b""))
        if given is None or not _same(given, self._reader):
            asking = ((b"www-authenticate", b'Basic realm="metrics"'),)
            raise Refused(401, "invalid_reader", "this needs the name and password of who reads metrics", asking)
        families = (
            *_counted(self._counts, self._turnstile),
            _scanner_ends(self._scanner.lost),
            *_audit(self._store, self._state),
            *_verified(self._state),
            *_due(self._cases),
        )
        await send_whole(send, 200, "".join(map(render, families)).encode(), [_TYPE])


def render(family: Family) -> str:
    """Its lines; counters without a sample yet have their head alone."""
    name, kind, told, labels, samples = family
    lines = [f"# HELP {_PREFIX}{name} {told}", f"# TYPE {_PREFIX}{name} {kind}"]
    for values, number in samples.items():
        pairs = (f'{label}="{value.translate(_ESCAPES)}"' for label, value in zip(labels, values, strict=True))
        lines.append(
            f"{_PREFIX}{name}{{{','.join(pairs)}}} {number:.17g}" if labels else f"{_PREFIX}{name} {number:.17g}"
        )
    return "\n".join(lines) + "\n"


def _counted(counts: Counts, turnstile: Turnstile) -> Iterator[Family]:
    yield Family(
        "decisions_total",
        "counter",
        "Decisions on record, by class, effect, and zone of the first choice.",
        ("class", "effect", "zone"),
        counts.decisions,
    )
    yield Family("refusals_total", "counter", "Requests that were refused, by reason.", ("reason",), counts.refusals)
    yield Family("detections_total", "counter", "Texts, by how they were judged.", ("result",), counts.detections)
    yield Family(
        "answers_total", "counter", "Answers, by how they ended.", ("model", "zone", "result", "status"), counts.answers
    )
    yield Family(
        "fallbacks_total", "counter", "Answers by another model than the first.", ("model", "zone"), counts.fallbacks
    )
    yield Family(
        "hop_failures_total",
        "counter",
        "Models that did not answer, and the next one was asked.",
        ("model", "zone", "error"),
        counts.failures,
    )
    inside: dict[Labels, float] = {(client,): number for client, number in turnstile.inside.items()}
    yield Family("requests_in_progress", "gauge", "Requests under way, by client.", ("client",), inside)
    queued: dict[Labels, float] = {(client,): number for client, number in turnstile.queued.items()}
    yield Family("requests_queued", "gauge", "Requests in line for a place of their client's.", ("client",), queued)
    yield _gauge("requests_waiting", "Requests whose model has not begun to answer.", counts.waiting)


def _scanner_ends(lost: int) -> Family:
    told = "Times that the process which reads texts ended; each was followed by another."
    return Family("scanner_ends_total", "counter", told, (), {(): lost})


def _audit(store: AuditStore, state: Path) -> Iterator[Family]:
    health = store.health()
    yield _gauge("audit_entries", "Number of the last record.", health.entries)
    yield _gauge("audit_waiting", "Records that wait for the disk.", health.waiting)
    yield Family("audit_failures_total", "counter", "Records that could not be written.", (), {(): health.failed})
    yield _gauge("audit_checkpoint_age_seconds", "Since the last checkpoint; -1 before it.", health.checkpoint_age_s)
    failing = bool(health.checkpoint_error)
    yield _gauge("audit_checkpoint_failing", "Whether a place took no checkpoint.", failing)
    # Of the disk that every record needs anyway; the second place may be a mount that hangs, and is not asked.
    disk = os.statvfs(state)
    yield _gauge("audit_disk_free_bytes", "Free where the records are.", disk.f_bavail * disk.f_frsize)
    yield _gauge("audit_disk_bytes", "Size of the disk where the records are.", disk.f_blocks * disk.f_frsize)


def _verified(state: Path) -> Iterator[Family]:
    last = verified.read(state / verified.LAST)
    age = max(0.0, time.time() - last.at) if last else -1.0
    yield _gauge("audit_verified_age_seconds", "Since all records were last verified; -1 before it.", age)
    troubles = last.troubles if last else 0
    yield _gauge("audit_troubles", "What that verification found.", troubles)


def _due(cases: Cases) -> Iterator[Family]:
    now = utc_now()
    waiting = [case for case in cases.all() if case.closed is None]
    yield _gauge("challenges_open", "Challenges that nobody has decided.", len(waiting))
    soon = sum(case.is_late_soon(now) for case in waiting)
    yield _gauge("challenges_due_soon", "Of those, with less than ten days of their month left.", soon)
    late = sum(case.due_at < now for case in waiting)
    yield _gauge("challenges_overdue", "Of those, past their month (GDPR Art. 12(3)).", late)


def _gauge(name: str, told: str, number: float) -> Family:
    return Family(name, "gauge", told, (), {(): number})


def _same(given: tuple[str, str], known: tuple[str, str]) -> bool:
    return all(hmac.compare_digest(one.encode(), other.encode()) for one, other in zip(given, known, strict=True))
