"""Minimises a smooth function: L-BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MEMORY = 8  # pairs of steps that the curvature is estimated from
ENOUGH, SHRINK, TRIES = 1e-4, 0.5, 30  # Armijo's condition and the backtracking


def minimise(slope: Callable[[Floats], tuple[float, Floats]], at: Floats, rounds: int, least: float = 1e-7) -> Floats:
    """From `at`, until the gradient's largest entry is under `least` or after so many rounds. `slope` gives the value
    and the gradient."""
    value, gradient = slope(at)
    pairs: list[tuple[Floats, Floats]] = []
    for _ in range(rounds):
        if np.abs(gradient).max() < least:
            break
        way = -_towards(gradient, pairs)
        size = 1.0 if pairs else 1.0 / float(np.abs(gradient).sum())
        fall = float(gradient @ way)
        for _ in range(TRIES):
            new, (lower, turned) = at + size * way, slope(at + size * way)
            if lower <= value + ENOUGH * size * fall:
                break
            size *= SHRINK
        else:
            break
        step, change = new - at, turned - gradient
        if step @ change > 0:
            pairs = [*pairs, (step, change)][-MEMORY:]
        at, value, gradient = new, lower, turned
    return at


def _towards(gradient: Floats, pairs: list[tuple[Floats, Floats]]) -> Floats:
    """The gradient times an estimate of the inverse curvature (the two loops of algorithm 7.4)."""
    way, factors = gradient.copy(), []
    for step, change in reversed(pairs):
        factors.append((step @ way) / (step @ change))
        way -= factors[-1] * change
    if pairs:
        step, change = pairs[-1]
        way *= (step @ change) / (change @ change)
    for (step, change), factor in zip(pairs, reversed(factors), strict=True):
        way += step * (factor - (change @ way) / (step @ change))
    return way
