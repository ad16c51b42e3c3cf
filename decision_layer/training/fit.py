"""Makes detect/data/implied.txt from training/texts and the used-up batches of tests/data.

Run: .venv/bin/python -m training.fit   (in decision_layer; training/leave_out.py measures)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from decision_layer.detect import implied
from decision_layer.detect.lexicon import Lexicon
from training.corpus import CLASSES, Labelled, Row, features, labelled
from training.descent import Floats
from training.expand import NONE
from training.regress import Design, Ints, fit

TARGET = Path(__file__).parent.parent / "src" / "decision_layer" / "detect" / "data" / "implied.txt"
DECAY, ANY_DECAY = 3e-4, 2e-3
FIRST_ROUNDS, ROUNDS = 50, 100
SEEN_SCALE = 0.15  # of what the lexicon saw: with more, the texts of our own, whose words it knows, make it too sure
SCALE = 32  # whole numbers for one unit of log odds
LEAST = 5  # a feature whose numbers are all smaller is left out
LIMIT = 0.3  # log odds of a kind against "none" from which a sentence is found
HEALTH_LIMIT = 0.8  # it is half of all that is said of people, and would else take in the only personal
ANY_LIMIT = 0.45  # the same for any kind against "none"
_DIGIT = re.compile(r"\d")  # no number says anything of a kind


class Model(NamedTuple):
    """Log odds against "none" of each kind and of any of them: a row for each feature, and the biases."""

    columns: dict[str, int]
    weights: Floats
    bias: Floats


def learn(texts: Sequence[Labelled], rows: Sequence[Row]) -> Model:
    """Two passes: of a text of several sentences only the one that the first pass finds strongest has its class. Then
    the same sentences once more, all kinds as one."""
    columns = {f: i for i, f in enumerate(sorted({f for row in rows for f in row.features if not _DIGIT.search(f)}))}
    per_template = Counter(texts[row.text].template for row in rows)
    classes = np.array([CLASSES.index(texts[row.text].kind) for row in rows])
    shares = np.array([per_template[texts[row.text].template] ** -0.5 for row in rows]) * _balance(classes)
    scales = _scales(rows, columns)
    design = Design([row.features for row in rows], columns, scales)
    weights, bias = fit(design, classes, shares, len(CLASSES), DECAY, FIRST_ROUNDS)
    scores = design.times(weights[:, 1:] - weights[:, :1]) + bias[1:] - bias[:1]
    shares = shares * _strongest(texts, rows, scores)
    weights, bias = fit(design, classes, shares, len(CLASSES), DECAY, ROUNDS)
    of_any, any_bias = fit(design, np.minimum(classes, 1), shares, 2, ANY_DECAY, ROUNDS)
    both = np.hstack([weights[:, 1:] - weights[:, :1], of_any[:, 1:] - of_any[:, :1]])
    return Model(columns, both * scales[:, None], np.r_[bias[1:] - bias[0], any_bias[1:] - any_bias[0]])


def _scales(rows: Sequence[Row], columns: dict[str, int]) -> Floats:
    """Rare words and parts of words count more than those that stand everywhere (inverse document frequency)."""
    number = np.zeros(len(columns))
    for row in rows:
        number[[columns[f] for f in row.features if f in columns]] += 1
    scales: Floats = np.maximum(np.log(len(rows) / (number + 1)) / 5, 0.05)
    scales[[at for feature, at in columns.items() if feature.startswith(implied.BIAS)]] = SEEN_SCALE
    return scales


def _balance(classes: Ints) -> Floats:
    """Kinds with many texts count less, by the root of their number; "none" counts as it is."""
    numbers = np.bincount(classes, minlength=len(CLASSES))
    factors = np.sqrt(numbers[1:].mean() / np.maximum(numbers, 1))
    factors[0] = 1
    each: Floats = factors[classes]
    return each


def _strongest(texts: Sequence[Labelled], rows: Sequence[Row], scores: Floats) -> Floats:
    """1 for rows of "none" and for the best sentence of a text, 0 for its others."""
    best: dict[int, tuple[float, int]] = {}
    keep = np.ones(len(rows))
    for at, row in enumerate(rows):
        kind = texts[row.text].kind
        if kind != NONE:
            keep[at] = 0
            best[row.text] = max(best.get(row.text, (-np.inf, at)), (scores[at, CLASSES.index(kind) - 1], at))
    keep[[at for _, at in best.values()]] = 1
    return keep


def lines(model: Model, names: set[str]) -> list[str]:
    """The file: whole numbers, one feature a line; the limits go into the biases, so that the threshold is 0."""
    numbers = np.rint(model.weights * SCALE).astype(int)
    entries = {f: numbers[at] for f, at in model.columns.items() if abs(numbers[at]).max() >= LEAST}
    entries |= {name: np.zeros(implied.FIELDS, dtype=int) for name in names if name not in entries}
    limits = [HEALTH_LIMIT if kind == "art9.health" else LIMIT for kind in implied.KINDS]
    entries[implied.BIAS] = np.rint((model.bias - np.array([*limits, ANY_LIMIT])) * SCALE).astype(int)
    head = "# Made by training/fit.py. A feature, then its number for each of: " + " ".join(implied.KINDS) + " any"
    return [head, *(f + "\t" + " ".join(map(str, entry)) for f, entry in sorted(entries.items()))]


def main() -> None:
    texts = labelled()
    rows, names = features(texts, Lexicon())
    found = lines(learn(texts, rows), names)
    TARGET.write_text("\n".join(found) + "\n", "utf-8")
    print(f"{len(texts)} texts, {len(rows)} sentences; {len(found)} lines, {TARGET.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
