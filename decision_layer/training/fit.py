"""Makes detect/data/implied.txt from training/texts and the used-up batches of tests/data.

Run: .venv/bin/python -m training.fit [--folds template|topic]   (in decision_layer; with --folds it only measures)
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.bench_recall import wilson
from decision_layer.detect import implied
from decision_layer.detect.lexicon import Lexicon
from training.corpus import CLASSES, Labelled, Row, features, labelled
from training.expand import NONE
from training.regress import Design, Floats, Ints, fit

TARGET = Path(__file__).parent.parent / "src" / "decision_layer" / "detect" / "data" / "implied.txt"
DECAY, ROUNDS, FOLDS = 1e-3, 120, 5
SCALE = 32  # whole numbers for one unit of log odds
LEAST = 3  # a feature whose numbers are all smaller is left out
LOW = -0.35  # log odds against "none" from which a sentence is found: a miss costs more than a false alarm
HIGH = {"art9.health": 0.15}  # health is half of all that is said of people, and would else take in the only personal
_DIGIT = re.compile(r"\d")  # no number says anything of a kind
SHIFTS = (-0.5, -0.25, 0.0, 0.25, 0.5, 99.0)  # of the thresholds, to see what another choice would give
VETOES = ((-9.0, -9.0), (-2.0, -1.0), (-1.0, 0.0))  # of words that are sure, of others


class Model(NamedTuple):
    """Log odds of each kind against "none": a row for each feature, and the biases."""

    columns: dict[str, int]
    weights: Floats
    bias: Floats

    def scores(self, rows: Sequence[Row]) -> Floats:
        """Rows x kinds."""
        return Design([row.features for row in rows], self.columns).times(self.weights) + self.bias


def learn(texts: Sequence[Labelled], rows: Sequence[Row]) -> Model:
    """Two passes: of a text of several sentences only the one that the first pass finds strongest has its class."""
    columns = {f: i for i, f in enumerate(sorted({f for row in rows for f in row.features if not _DIGIT.search(f)}))}
    per_template = Counter(texts[row.text].template for row in rows)
    classes = np.array([CLASSES.index(texts[row.text].kind) for row in rows])
    shares = np.array([per_template[texts[row.text].template] ** -0.5 for row in rows]) * _balance(classes)
    design = Design([row.features for row in rows], columns)
    for last in (False, True):
        weights, bias = fit(design, classes, shares, len(CLASSES), DECAY, ROUNDS)
        model = Model(columns, weights[:, 1:] - weights[:, :1], bias[1:] - bias[:1])
        if not last:
            shares = shares * _strongest(texts, rows, model.scores(rows))
    return model


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


def cross_validate(texts: list[Labelled], rows: list[Row], by: str) -> Floats:
    """Scores of each row by a model that saw no text of its template (or topic)."""
    keys = sorted({_key(text, by) for text in texts})
    random.Random(1).shuffle(keys)  # noqa: S311
    fold = {key: at % FOLDS for at, key in enumerate(keys)}
    scores = np.zeros((len(rows), len(CLASSES) - 1))
    for number in range(FOLDS):
        test = [at for at, row in enumerate(rows) if fold[_key(texts[row.text], by)] == number]
        train = [row for row in rows if fold[_key(texts[row.text], by)] != number]
        scores[test] = learn(texts, train).scores([rows[at] for at in test])
    return scores


def _key(text: Labelled, by: str) -> str:
    return text.template if by == "template" or text.tuned else text.group


def _highs() -> Floats:
    return np.array([HIGH.get(kind, LOW) for kind in implied.KINDS])


def report(texts: list[Labelled], rows: list[Row], scores: Floats) -> None:
    """Recall and false escalation of our own texts, which the vocabularies have not seen, by threshold."""
    highs = _highs()
    for shift in SHIFTS:
        for sure, other in VETOES:
            hit = {
                row.text
                for row, one in zip(rows, scores - highs - shift, strict=True)
                if one.max() > 0
                or any(
                    one[CLASSES.index(kind) - 1] > (sure if alone else other)
                    for kind, alone in row.fired
                    if kind in CLASSES
                )
            }
            line = [f"shift {shift:5.2f} veto {sure:4.1f} {other:4.1f}"]
            for name, chosen in (("recall", True), ("false", False)):
                numbers = [i for i, t in enumerate(texts) if not t.tuned and (t.kind != NONE) is chosen]
                hits = sum(i in hit for i in numbers)
                low, up = wilson(hits, len(numbers))
                line.append(f"{name} {hits}/{len(numbers)} {hits / len(numbers):6.1%} [{low:.1%}, {up:.1%}]")
            print("  ".join(line))


def write(model: Model, names: set[str], target: Path = TARGET) -> None:
    """Whole numbers, one feature a line; LOW and HIGH go into the bias, so that the threshold is 0."""
    lines = ["# Made by training/fit.py. A feature, then its number for each of: " + " ".join(implied.KINDS)]
    numbers = np.rint(model.weights * SCALE).astype(int)
    entries = {f: numbers[at] for f, at in model.columns.items() if abs(numbers[at]).max() >= LEAST}
    entries |= {name: np.zeros(len(implied.KINDS), dtype=int) for name in names if name not in entries}
    entries[implied.BIAS] = np.rint((model.bias - _highs()) * SCALE).astype(int)
    lines += [f + "\t" + " ".join(map(str, entry)) for f, entry in sorted(entries.items())]
    target.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{target.name}: {len(entries)} features, {target.stat().st_size // 1024} KiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", choices=("template", "topic"))
    args = parser.parse_args()
    texts = labelled()
    rows, names = features(texts, Lexicon())
    print(f"{len(texts)} texts, {len(rows)} sentences")
    if args.folds:
        report(texts, rows, cross_validate(texts, rows, args.folds))
    else:
        write(learn(texts, rows), names)


if __name__ == "__main__":
    main()
