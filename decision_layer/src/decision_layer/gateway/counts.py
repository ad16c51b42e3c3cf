"""What the gateway counts while it works: numbers in memory, by names that the policy or this code gives.

Nothing that a client wrote is a label: no text, no person, no model that it asked for and that there is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from decision_layer.audit.record import Hop, Result
from decision_layer.gateway.deciding import Decided
from decision_layer.policy.decide import HELD
from decision_layer.policy.shape import Model

Labels = tuple[str, ...]
DETECTIONS = ("complete", "error", "timeout", "over_length", "unknown_part", "second_stage")
"""How a text was judged (content.py), and a second stage that gave no class; there from the start, at 0, since what
appears with its first failure has risen by nothing to Prometheus."""
REFUSALS = ("audit_unavailable", "no_answer", "invalid_api_key", "rate_limit_exceeded", "too_many_at_once")
"""Those that alerts ask for, there from the start too."""
_ERRORS = frozenset({"busy", "failed", "key_refused", "timeout", "no_connection", "reset", "malformed", "unsendable"})
"""Of a hop: upstream.py and channel.py. What else a hop may say is text, and stays in the record."""


class Counts:
    """Only ever rising, but for `waiting`; a restart begins anew, which Prometheus knows."""

    def __init__(self) -> None:
        self.decisions: Counter[Labels] = Counter()
        """By class, effect and the zone of the first choice."""
        self.detections: Counter[Labels] = Counter({(name,): 0 for name in DETECTIONS})
        self.refusals: Counter[Labels] = Counter({(name,): 0 for name in REFUSALS})
        self.answers: Counter[Labels] = Counter()
        """By model, zone, how it ended, and kind of HTTP status."""
        self.fallbacks: Counter[Labels] = Counter()
        """Answers by another model than the first choice, by that model and its zone."""
        self.failures: Counter[Labels] = Counter()
        """Of hops, by model, zone and error."""
        self.waiting = 0
        """Requests that were sent to a model, whose answer has not begun: they stand in its queue, or it computes."""

    def note_decision(self, decided: Decided) -> None:
        decision = decided.decision
        chosen = next((item.zone for item in decision.candidates if not item.refused), "")
        effect = "hold" if decided.held else "refuse" if decision.refusal else "allow"
        self.decisions[decision.data_class, effect, chosen] += 1
        self.detections[("second_stage" if decided.unsure else decided.detection,)] += 1
        if decision.refusal:
            self.refusals[(_why(decided),)] += 1

    def note_refusal(self, code: str) -> None:
        """One that is no decision of the policy's."""
        self.refusals[(code,)] += 1

    def note_failures(self, hops: Iterable[Hop]) -> None:
        for hop in hops:
            self.failures[hop.model, hop.zone, _error(hop.error)] += 1

    def note_answer(self, model: Model, result: Result, status: int, *, fallback: bool) -> None:
        self.answers[model.name, model.zone, result, f"{status // 100}xx"] += 1
        if fallback:
            self.fallbacks[model.name, model.zone] += 1


def _why(decided: Decided) -> str:
    """The code of what barred the first choice: zone, storage, doubt, endpoint, size, budget (policy/decide.py)."""
    if decided.held:
        return HELD.rstrip(":")
    candidates = decided.decision.candidates
    return candidates[0].refused.partition(":")[0] if candidates else "model"


def _error(text: str) -> str:
    if text.startswith("barred:"):
        return "barred"
    return text if text in _ERRORS else "untranslatable"
