"""Multinomial logistic regression over counts of features, with numpy alone: full gradient, Adam, L2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RATE, FIRST, SECOND, TINY = 0.05, 0.9, 0.999, 1e-8  # Adam (Kingma and Ba 2015), with a larger rate for a full gradient


class Design:
    """The counts as a sparse matrix, ready to be multiplied from both sides."""

    def __init__(self, rows: Sequence[Counter[str]], columns: dict[str, int]) -> None:
        triples = [
            (i, columns[f], n) for i, counts in enumerate(rows) for f, n in sorted(counts.items()) if f in columns
        ]
        data = np.array(triples, dtype=np.int64).reshape(-1, 3)
        self.rows, self.cols, self.values = data[:, 0], data[:, 1], data[:, 2].astype(np.float64)
        self.shape = (len(rows), len(columns))
        self._order = np.argsort(self.cols, kind="stable")

    def times(self, weights: Floats) -> Floats:
        """Rows' scores."""
        return _summed(self.rows, self.values[:, None] * weights[self.cols], self.shape[0])

    def transposed_times(self, gradient: Floats) -> Floats:
        """Columns' gradients."""
        at = self._order
        return _summed(self.cols[at], self.values[at, None] * gradient[self.rows[at]], self.shape[1])


def _summed(index: Ints, values: Floats, size: int) -> Floats:
    """Sums of the values with the same (sorted) index."""
    out = np.zeros((size, values.shape[1]))
    if len(index):
        starts = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
        out[index[starts]] = np.add.reduceat(values, starts, axis=0)
    return out


def fit(design: Design, classes: Ints, shares: Floats, count: int, decay: float, rounds: int) -> tuple[Floats, Floats]:
    """Weights (features x classes) and biases that give the classes; `shares` weigh the rows."""
    goal = np.eye(count)[classes]
    shares = (shares / shares.sum())[:, None]
    weights = np.zeros((design.shape[1] + 1, count))
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, rounds + 1):
        scores = design.times(weights[:-1]) + weights[-1]
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        slope = (odds / odds.sum(axis=1, keepdims=True) - goal) * shares
        gradient = np.vstack([design.transposed_times(slope) + decay * weights[:-1], slope.sum(axis=0)])
        mean = FIRST * mean + (1 - FIRST) * gradient
        square = SECOND * square + (1 - SECOND) * gradient * gradient
        weights -= RATE * (mean / (1 - FIRST**step)) / (np.sqrt(square / (1 - SECOND**step)) + TINY)
    return weights[:-1], weights[-1]
