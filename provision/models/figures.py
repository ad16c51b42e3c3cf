"""A cost figure of an article, held against its own inputs."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from provision.models.base import Frozen

Verdict = Literal["follows", "follows in part", "does not follow", "no inputs given"]


class Figure(Frozen):
    """`sentence` is a short quotation. `stated` and `computed` are the two ends of a range, alike for one number;
    `stated` is None where the article says it in words, `computed` where there is nothing to compute it from."""

    id: str
    article: Literal["sme", "h100"]
    sentence: str
    unit: str
    stated: tuple[Decimal, Decimal] | None
    computed: tuple[Decimal, Decimal] | None
    arithmetic: str
    verdict: Verdict

    def show(self, ends: tuple[Decimal, Decimal] | None) -> str:
        """(5250, 7500) → '5,250 to 7,500 DKK'; '-' where there is no number."""
        if ends is None:
            return "-"
        low, high = (f"{end:,.2f}".rstrip("0").rstrip(".") if end % 1 else f"{end:,.0f}" for end in ends)
        return f"{low} {self.unit}" if low == high else f"{low} to {high} {self.unit}"
