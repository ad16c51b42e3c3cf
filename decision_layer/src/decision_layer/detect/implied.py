"""What a sentence implies of a person ("his face unlocks the cabinet"): a linear classifier beside the lexicon.

It adds whole numbers: for each word, for parts of words, and for what the lexicon saw in the sentence, one number for
each kind and one for any of them. The weights are in data/implied.txt, made by training/fit.py from texts of our own.
A word's numbers travel as one: each has 32 bits of a Python integer, so that one addition adds them all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from importlib.resources import files
from itertools import repeat
from struct import Struct

from decision_layer.detect.vocabulary import Role, VocabularyError

KINDS = (
    "art9.health",
    "art9.religion",
    "art9.politics",
    "art9.union",
    "art9.ethnicity",
    "art9.sexual",
    "art9.genetic",
    "art9.biometric",
    "art10.criminal",
)
FIELDS = len(KINDS) + 1  # numbers of a feature: the last says whether any kind is there, whichever it is
NAME = "^"  # stands for every first name
BIAS = "="
LONGEST = 48  # words that are judged together; more of them would only add up noise
_BITS = 32
_FIELDS = Struct(f"<{FIELDS}I")
_ZERO = 1 << (_BITS - 1)
_WORD = re.compile(r"\w+")
_MARKS = ",.;:!?()[]\"'/-\n"
_AFFIXES = (5, 7)  # letters of a beginning or an end of a word that say what it is about
_TIES = {Role.NAMED: "named", Role.GENERAL: "general", Role.CUE: "cue", Role.GROUP: "group", Role.OURS: "ours"}

# What the lexicon saw: kind, role and whether it is said of somebody.
Sight = tuple[str, Role, bool]


def parts(word: str) -> list[str]:
    """Beginnings and ends of a word, by which unknown words and the parts of compounds are known."""
    size = len(word)
    return [part for n in _AFFIXES if n < size for part in (word[:n] + "-", "-" + word[-n:])]


def sights(seen: Iterable[Sight], roles: Collection[Role]) -> Iterator[str]:
    """Features of what the lexicon saw in a sentence: `roles` are those of its context words. Signs of professional
    secrecy ("our client") are none: they say that a secret is told, not what it is about."""
    seen = [sight for sight in seen if sight[0] in KINDS]
    subjects = {(kind, role) for kind, role, _ in seen}
    for kind in {kind for kind, _, fires in seen if fires}:
        yield f"={kind}!"
    for kind, role in subjects:
        about = f"={kind}.{role.name.lower()}"
        yield about
        for tie, name in _TIES.items():
            if tie in roles:
                yield f"{about}+{name}"
    if any(fires for _, _, fires in seen):
        yield "=!"
    if subjects:
        yield "=seen"
        yield from (f"=seen+{name}" for tie, name in _TIES.items() if tie in roles)


def apart(lower: str) -> str:
    """The text, as long as before, with spaces for what stands between words: then `split` finds them, which is much
    faster than a pattern."""
    for mark in _MARKS:
        lower = lower.replace(mark, " ")
    return lower


def pack(weights: Iterable[int]) -> int:
    """One number out of one for each field."""
    return sum(weight << (_BITS * at) for at, weight in enumerate(weights))


_RAISED = pack([_ZERO] * FIELDS)  # added to a sum, each field's top bit says "not negative"


def is_found(raised: int) -> bool:
    """Whether a field reaches its threshold in the sums of a sentence (or of a piece of it)."""
    return raised & _RAISED != 0


def each(raised: int) -> list[int]:
    """A number for each field; it reaches its threshold if it is not negative."""
    fields = _FIELDS.unpack(raised.to_bytes(_FIELDS.size, "little"))
    return [field - _ZERO for field in fields]


class Implied:
    """The weights, read once; free of state after that."""

    def __init__(self, names: Iterable[str], text: str | None = None) -> None:
        """`names`: first names in small letters. `text` is the weights' file, the package's own if None. Raises
        VocabularyError."""
        table: dict[str, int] = {}
        for line in (text if text is not None else _file()).splitlines():
            if not line.startswith("#"):
                feature, _, numbers = line.partition("\t")
                table[feature] = _packed(feature, numbers)
        if BIAS not in table:
            raise VocabularyError("no bias", where="implied.txt", hint="make it again with training/fit.py")
        self._bias = table.pop(BIAS) + _RAISED
        self._starts = {part[:-1]: weight for part, weight in table.items() if part.endswith("-")}
        self._ends = {part[1:]: weight for part, weight in table.items() if part.startswith("-")}
        self._sights = {sight: weight for sight, weight in table.items() if sight.startswith(BIAS)}
        self._words = {word: weight + self._unknown(word) for word, weight in table.items() if _WORD.fullmatch(word)}
        self._words[NAME] = table.get(NAME, 0)
        self.aliases = aliases(names, self._words)

    def sums(self, words: list[str], unknown: dict[str, int], extra: Collection[str]) -> list[int]:
        """The sums of a sentence, or of its pieces if it is long, each of them still in one number. `unknown`: the
        numbers of the words that the text had so far and that have none of their own; it grows."""
        base = self._bias + sum(map(self._sights.get, extra, repeat(0))) if extra else self._bias
        if len(words) <= LONGEST:
            return [base + self._sum({*words}, unknown)] if words else []
        return [base + self._sum({*words[at : at + LONGEST]}, unknown) for at in range(0, len(words), LONGEST)]

    def _sum(self, words: set[str], unknown: dict[str, int]) -> int:
        total = sum(map(self._words.get, words, repeat(0)))
        for word in words.difference(self._words):
            weight = unknown.get(word)
            if weight is None:
                weight = unknown[word] = self._unknown(word)
            total += weight
        return total

    def _unknown(self, word: str) -> int:
        """Of its parts(), looked up without making their names."""
        size, short, long = len(word), *_AFFIXES
        if size <= short:
            return 0
        total = self._starts.get(word[:short], 0) + self._ends.get(word[-short:], 0)
        if size <= long:
            return total
        return total + self._starts.get(word[:long], 0) + self._ends.get(word[-long:], 0)


def aliases(names: Iterable[str], words: Collection[str]) -> dict[str, str]:
    """A first name, also with the s of a genitive, to NAME, unless it is a word of the texts too."""
    forms = (form for name in names for form in (name, name + "s"))
    return {form: NAME for form in forms if form not in words}


def _packed(feature: str, numbers: str) -> int:
    try:
        weights = [int(number) for number in numbers.split(" ")]
    except ValueError:
        weights = []
    if len(weights) != FIELDS:
        raise VocabularyError(
            f"{feature}: not {FIELDS} whole numbers", where="implied.txt", hint="make it again with training/fit.py"
        )
    return pack(weights)


def _file() -> str:
    return (files("decision_layer.detect") / "data" / "implied.txt").read_text("utf-8")
