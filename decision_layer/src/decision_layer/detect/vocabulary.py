"""Reads the vocabularies (data/*.yaml) into terms. How they are written is said in docs/detectors.md."""

from __future__ import annotations

import re
from enum import IntEnum
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from decision_layer.errors import DecisionLayerError

LANGUAGES = ("en", "de", "da")
ANY = "any"
_LEVELS = ("sure", "person", "topic", "hint", "not", "unless")

# Endings that a term may take besides those of a prefix ("term*").
_ENDINGS = {
    ANY: frozenset(("", "s")),
    "en": frozenset(("", "s", "es", "d", "ed")),
    "de": frozenset(("", "e", "en", "er", "es", "em", "n", "s", "in", "innen", "ern", "ens", "se", "r", "m")),
    "da": frozenset(
        "|e|en|et|er|erne|s|ens|ets|ernes|t|n|ne|r|rne|ede|te|den|dens|a".split("|")  # noqa: SIM905
    ),
}
# Shorter stems stand inside too many other words.
_COMPOUND_LENGTH = 7
EXACT = frozenset(("",))
_LIST = re.compile(r"<(\w+)>")
# The second way to write a letter where a keyboard lacks it.
_INNER = ("", "e", "en", "er", "es", "em", "n", "r", "s")
_SPELLINGS = {"de": (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")), "da": (("æ", "ae"), ("ø", "oe"), ("å", "aa"))}


class Role(IntEnum):
    SURE = 0  # stands for itself
    PERSON = 1  # counts where the text is about a person
    TOPIC = 2  # counts where the text says what a person has to do with it
    HINT = 3  # an everyday word (knee, tablets): counts beside another word of its subject
    NOT = 4  # a phrase in which terms mean something else
    UNLESS = 5  # a word whose sentence is about something else
    NAMED = 6  # says that one person is meant
    GROUP = 7  # says that people are meant
    GENERAL = 8  # says that the text is about the subject, not about a person
    CUE = 9  # ties a person to a topic: is a member, suffers, was treated
    OURS = 10  # says that the text is about what a firm does: we sell, our product
    LANGUAGE = 11  # tells the language of a sentence


_CONTEXT = (Role.NAMED, Role.GROUP, Role.GENERAL, Role.CUE, Role.OURS, Role.LANGUAGE)


class Term(NamedTuple):
    """`endings` None: any; `inside`: may also stand in the middle of a word; `letter`: its first letter
    must be small (~, not the polite German forms) or a capital (^, a name)."""

    text: str
    role: Role
    kind: str
    language: str
    inside: bool
    endings: frozenset[str] | None
    letter: str = ""


class VocabularyError(DecisionLayerError):
    """A vocabulary file that does not have the form in docs/detectors.md."""


def load() -> tuple[Term, ...]:
    """Every term of every file. Raises VocabularyError."""
    terms: list[Term] = []
    for entry in sorted((files("decision_layer.detect") / "data").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".yaml"):
            terms += _read(entry.name, yaml.load(entry.read_text("utf-8"), yaml.CBaseLoader))  # noqa: S506 (texts alone)
    return tuple(terms)


def _read(name: str, content: Any) -> list[Term]:
    if not isinstance(content, dict) or "kind" not in content:
        raise VocabularyError("no kind named", where=name, hint="begin the file with: kind: art9.health")
    kind = content["kind"]
    roles = {level: Role[level.upper()] for level in (_LEVELS if kind != "context" else ())}
    if kind == "context":
        roles = {role.name.lower(): role for role in _CONTEXT}
    terms = []
    for language in (*LANGUAGES, ANY):
        for level, words in (content.get(language) or {}).items():
            if level not in roles or not isinstance(words, list):
                raise VocabularyError(
                    f"unknown level {level}", where=f"{name}: {language}", hint=f"one of {list(roles)}"
                )
            for word in words:
                if not isinstance(word, str):
                    raise VocabularyError(f"{word!r} is no text", where=f"{name}: {language}.{level}", hint="quote it")
                for one in _filled(word, content.get("lists") or {}, name):
                    terms += _term(one, roles[level], kind, language)
    return terms


def _filled(word: str, lists: dict[str, list[str]], name: str) -> list[str]:
    """`<nation> descent`: one phrase for each word of the list that the file calls so."""
    match = _LIST.search(word) if "<" in word else None
    if match is None:
        return [word]
    if match[1] not in lists:
        raise VocabularyError(f"no list {match[1]}", where=f"{name}: {word}", hint=f"one of {sorted(lists)}")
    return [word[: match.start()] + one + word[match.end() :] for one in lists[match[1]]]


def _term(word: str, role: Role, kind: str, language: str) -> list[Term]:
    endings: frozenset[str] | None = _ENDINGS[language]
    letter = word[0] if word[:1] in ("~", "^") else ""
    word = word.removeprefix(letter)
    inside = word.startswith("*")
    if word.endswith("*"):
        endings = None
    elif word.startswith("=") and language != ANY:
        endings = EXACT
    if (
        language in ("de", "da")
        and role in (Role.PERSON, Role.TOPIC, Role.GENERAL)
        and word[0] not in "*="
        and " " not in word
    ):
        inside = len(word.strip("*")) >= _COMPOUND_LENGTH  # both languages write compounds as one word
    bare = word.strip("*=").lower()
    forms = _inflected(bare) if "*" in bare else [bare]
    if not bare.isascii():
        forms = sorted({*forms, *(_without_umlauts(form, language) for form in forms)})
    return [Term(text, role, kind, language, inside, endings, letter) for text in forms]


def _without_umlauts(form: str, language: str) -> str:
    for one, written in _SPELLINGS.get(language, ()):
        form = form.replace(one, written)
    return form


def _inflected(phrase: str) -> list[str]:
    """`zeuge* jehovas`: a star inside a phrase stands for the endings of an adjective or noun."""
    head, star, tail = phrase.partition("*")
    return [f"{head}{ending}{tail}" for ending in _INNER] if star else [phrase]
