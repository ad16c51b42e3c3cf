"""Sentences from the templates in training/texts.

A file holds topics (`# art9.health oncology`, or `# none absence` for texts that must not be found) and under each its
templates, one a line, with the language in front. `{a|b|}` is a choice, which may be nested; `$F`, `$M`, `$N` and `$S`
are a woman's, a man's, anybody's first name and a surname, all made up.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TEXTS = Path(__file__).parent / "texts"
NONE = "none"
MOST = 40  # sentences of one template
_CHOICE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"\$([FMNS])")
_WORDS = {
    "F": "Anna Maria Julia Nora Freja Heike Ingrid Olivia Priya Fatima Zofia Lone Birgit Amelie Carmen Ruth",
    "M": "Peter Thomas Lars Jens Oliver Ahmed Marek Uwe Stefan Henrik George Ravi Emil Kurt Daniel Bruno",
    "S": "Kern Vogt Lindqvist Mortensen Whitfield Adeyemi Brandt Kowalski Sloan Rasmussen Haller Petrescu Ibsen",
}
_NAMES = {key: words.split() for key, words in _WORDS.items()}
_NAMES["N"] = _NAMES["F"] + _NAMES["M"]


class Text(NamedTuple):
    """One sentence: `kind` is a finding's kind or "none", `topic` the topic of its template (the same in every
    language), `template` its number among all."""

    text: str
    language: str
    kind: str
    topic: str
    template: int


def texts(folder: Path = TEXTS) -> Iterator[Text]:
    """Every sentence, always the same ones in the same order."""
    number = 0
    for path in sorted(folder.glob("*.txt")):
        kind = topic = ""
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("# "):
                kind, _, topic = line[2:].partition(" ")
            elif line:
                number += 1
                language, _, template = line.partition(" ")
                for text in _expanded(template, random.Random(number)):  # noqa: S311
                    yield Text(text, language, kind, f"{kind} {topic}", number)


def _expanded(template: str, rng: random.Random) -> list[str]:
    """As many sentences as the longest choice has branches (at most MOST), so that each branch stands in one."""
    choices = [match[1].count("|") + 1 for match in _CHOICE.finditer(template)]
    found = dict.fromkeys(_one(template, at, rng) for at in range(min(MOST, max([1, *choices]))))
    return list(found)


def _one(template: str, at: int, rng: random.Random) -> str:
    while (match := _CHOICE.search(template)) is not None:
        branches = match[1].split("|")
        longest = len(branches) > 3
        pick = branches[at % len(branches)] if longest else rng.choice(branches)
        template = template[: match.start()] + pick + template[match.end() :]
    return _NAME.sub(lambda m: rng.choice(_NAMES[m[1]]), template)
