"""Multinomial logistic regression over counts of features, with numpy alone: full gradient, L-BFGS, L2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.descent import Floats, minimise

Ints = NDArray[np.int64]


class Design:
    """The counts as a sparse matrix, each column times its scale, ready to be multiplied from both sides."""

    def __init__(self, rows: Sequence[Counter[str]], columns: dict[str, int], scales: Floats) -> None:
        triples = [
            (i, columns[f], n) for i, counts in enumerate(rows) for f, n in sorted(counts.items()) if f in columns
        ]
        data = np.array(triples, dtype=np.int64).reshape(-1, 3)
        self.rows, self.cols = data[:, 0], data[:, 1]
        self.values = data[:, 2] * scales[self.cols]
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
    shape = (design.shape[1] + 1, count)

    def slope(at: Floats) -> tuple[float, Floats]:
        weights = at.reshape(shape)
        scores = design.times(weights[:-1]) + weights[-1]
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        off = (np.exp(logs) - goal) * shares
        gradient = np.vstack([design.transposed_times(off) + decay * weights[:-1], off.sum(axis=0)])
        loss = -float((logs * goal * shares).sum()) + decay / 2 * float((weights[:-1] ** 2).sum())
        return loss, gradient.ravel()

    weights = minimise(slope, np.zeros(shape[0] * count), rounds).reshape(shape)
    return weights[:-1], weights[-1]
