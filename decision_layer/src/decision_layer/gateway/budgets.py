"""What each budget has spent today (UTC), outside the house. In memory; the audit trail has every token for good."""

from __future__ import annotations

from datetime import UTC, datetime

from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import Model

_MILLION = 1_000_000


class Budgets:
    def __init__(self) -> None:
        self._day = ""
        self._spent: dict[str, float] = {}

    def spent(self, loaded: LoadedPolicy) -> tuple[str, ...]:
        """Names of the budgets that are used up."""
        self._turn()
        return tuple(b.name for b in loaded.policy.budgets if self._spent.get(b.name, 0.0) >= b.euro_per_day)

    def add(self, loaded: LoadedPolicy, budget: str, model: Model, tokens: tuple[int, int]) -> None:
        """Tokens in and out at the model's price; what is computed at home costs no budget."""
        if not budget or loaded.is_home(model):
            return
        self._turn()
        cost = (tokens[0] * model.price_in + tokens[1] * model.price_out) / _MILLION
        self._spent[budget] = self._spent.get(budget, 0.0) + cost

    def _turn(self) -> None:
        today = datetime.now(UTC).date().isoformat()
        if today != self._day:
            self._day, self._spent = today, {}
