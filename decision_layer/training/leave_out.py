"""Recall and false escalation of each batch of tests/data by weights that have not learned from it.

Run: .venv/bin/python -m training.leave_out [BATCH ...]   (in decision_layer; half a minute for each)

The vocabularies were written with most batches in view, and the training texts by somebody who had read them, so that
these figures flatter; what an author gives who saw nothing of it is in docs/detectors.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from bench.bench_recall import load
from decision_layer.detect.hits import Hits
from decision_layer.detect.lexicon import Lexicon
from decision_layer.detect.normalise import fold
from decision_layer.detect.verdict import Judge
from training.corpus import DATA, OTHERS, Labelled, features, labelled
from training.fit import learn, lines

_FIRST = {"special": "first", "hard": "first", "categories": "held", "negatives": "held"}
BATCHES = ["second", "third", "fourth", "fifth", "sixth", "held", "seventh", "eighth", "ninth", "tenth", *OTHERS]


def batch_of(stem: str) -> str:
    """The batch that a file of tests/data belongs to."""
    begin = stem.partition("_")[0]
    return _FIRST.get(begin, begin)


def measure(judge: Judge, paths: list[Path]) -> Counter[str]:
    """How many texts of Art. 9 there are, with the same kind found and with any; the same for the negatives, with
    anything found and with more than professional secrecy."""
    count: Counter[str] = Counter()
    for row in load(paths):
        hits, text = Hits(), fold(row["text"])
        judge.scan(text, text.lower(), hits)
        kinds = {finding.kind for finding in hits.findings()}
        special = {kind for kind in row["kinds"] if kind.startswith("art9")}
        if special:
            art9 = any(kind.startswith("art9") for kind in kinds)
            count.update(texts=1, same=bool(special & kinds), any=art9)
        elif not row["kinds"]:
            count.update(negatives=1, false=bool(kinds), data=bool(kinds - {"secrecy.professional"}))
    return count


def _line(name: str, count: Counter[str]) -> str:
    shares = [
        f"{word} {count[key]}/{count[of]} {count[key] / count[of]:.1%}"
        for word, key, of in (
            ("this kind", "same", "texts"),
            ("any of Art. 9", "any", "texts"),
            ("false", "false", "negatives"),
            ("without secrecy", "data", "negatives"),
        )
    ]
    return f"{name:10}" + "   ".join(shares)


def is_of(text: Labelled, batch: str) -> bool:
    return text.group.endswith(("categories", "negatives")) and batch_of(text.group) == batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batches", nargs="*", default=BATCHES)
    texts = labelled()
    rows, names = features(texts, Lexicon())
    total: Counter[str] = Counter()
    for batch in parser.parse_args().batches:
        model = learn(texts, [row for row in rows if not is_of(texts[row.text], batch)])
        judge = Judge("\n".join(lines(model, names)))
        files = sorted(path for path in DATA.rglob("*.jsonl") if batch_of(path.stem) == batch)
        count = measure(judge, files)
        total += count
        print(_line(batch, count), flush=True)
    print(_line("all", total))


if __name__ == "__main__":
    main()
