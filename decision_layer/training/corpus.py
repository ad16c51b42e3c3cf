"""Training texts as units (sentences) with the features that the runtime computes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from decision_layer.detect.hits import Hits
from decision_layer.detect.implied import KINDS, aliases, parts
from decision_layer.detect.lexicon import Lexicon
from decision_layer.detect.normalise import fold
from decision_layer.detect.verdict import people, units
from training.expand import NONE, texts

DATA = Path(__file__).parent.parent / "tests" / "data"
UNSEEN = ("thirteenth", "twentysecond")  # files of tests/data that no training text may come from
# Files whose authors had not seen the vocabularies, nor theirs the texts.
_OTHERS_TEXT = """
eleventh twelfth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twentyfirst letters
"""
OTHERS = tuple(_OTHERS_TEXT.split())
FIRED = "!"  # ends the features that say that the lexicon's rules found something
CLASSES = (NONE, *KINDS)


class Labelled(NamedTuple):
    """A text with its class; texts of one group never stand on both sides of a fold."""

    text: str
    kind: str
    group: str
    template: str
    tuned: bool  # the vocabularies were written with this text in view


class Row(NamedTuple):
    """One sentence: the number of its text, its features with their counts."""

    text: int
    features: Counter[str]


def labelled() -> list[Labelled]:
    """The templates' sentences, then the batches of tests/data that were used up, less what resembles UNSEEN."""
    found = [Labelled(t.text, t.kind, t.topic, f"t{t.template}", False) for t in texts()]
    for path in sorted(DATA.rglob("*.jsonl")):
        if path.name.startswith((*UNSEEN, "identifiers", "contacts")):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines()):
            row = json.loads(line)
            kind = row["kinds"][0] if row["kinds"] else NONE
            if kind in CLASSES:
                tuned = not path.name.startswith(OTHERS)
                found.append(Labelled(row["text"], kind, path.stem, f"{path.stem}{number}", tuned))
    return list(_unlike(found))


def _unlike(rows: Iterable[Labelled]) -> Iterator[Labelled]:
    """Without those that share more than half of their words with a text of UNSEEN."""
    unseen = [
        set(json.loads(line)["text"].lower().split())
        for name in UNSEEN
        for path in sorted(DATA.rglob(f"{name}_*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    for row in rows:
        words = set(row.text.lower().split())
        if not any(_alike(words, other) for other in unseen):
            yield row


def _alike(one: set[str], other: set[str]) -> bool:
    """Whether more than half of their words are in both; where one has twice as many as the other they cannot be."""
    if not len(one) < 2 * len(other) < 4 * len(one):
        return False
    common = len(one & other)
    return common > 0.5 * (len(one) + len(other) - common)


def known_words(rows: Iterable[Labelled]) -> set[str]:
    """Words that stand in small letters somewhere: no names there."""
    return {word for row in rows for word in row.text.replace(",", " ").replace(".", " ").split() if word.islower()}


def features(rows: list[Labelled], lexicon: Lexicon) -> tuple[list[Row], set[str]]:
    """Every sentence of every text, and the names that are words too."""
    known = known_words(rows)
    names = aliases(lexicon.first_names(), known)
    peopled = people(lexicon)
    found = []
    for number, row in enumerate(rows):
        folded = fold(row.text)
        lower = folded.lower()
        for unit in units(lower, lexicon.read(folded, lower, Hits()), names, peopled):
            counts = Counter(feature for word in set(unit.words) for feature in (word, *parts(word)))
            counts.update(f for f in unit.features if not (row.tuned and f.endswith(FIRED)))
            found.append(Row(number, counts))
    return found, set(aliases(lexicon.first_names(), ())) - set(names)
