"""From the parts of a request to findings: kinds and counts, never a value."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from decision_layer.detect import contact, digits, letters, phones, wide
from decision_layer.detect.hits import Hits
from decision_layer.detect.normalise import variants
from decision_layer.detect.seams import seams
from decision_layer.detect.verdict import Judge
from decision_layer.parts import Finding, Part

_SHORTEST = 7  # digits with their separators; no identifier or telephone number is shorter


@lru_cache(maxsize=1)
def prepared() -> Judge:
    """Built on first use (some tenths of a second); call it at start, so that no request waits for it."""
    return Judge()


def scan(parts: Iterable[Part]) -> tuple[Finding, ...]:
    """Findings of all parts together, sorted by kind. A count is of distinct values or words."""
    hits = Hits()
    held = tuple(parts)
    for text in variants("\n".join([part.text for part in held])):
        _scan_text(text, hits)
    joined = "\n".join(seams(held))
    if joined:
        for text in variants(joined):
            _scan_text(text, hits)
    return hits.findings()


def _scan_text(text: str, hits: Hits) -> None:
    lower, document = _lower(text), 0  # where the last document's number ended
    for match in digits.clusters(text):
        start, end = match.span()
        if start > document and text[start - 1] in letters.DOCUMENT_LETTERS:
            document = letters.scan_document(text, lower, start, hits)
        if text[end : end + 2].lstrip(" ")[:1] in wide.BEHIND:
            wide.scan_apart(text, lower, start, end, hits)
        if letters.scan_around(text, lower, start, end, hits) or end - start < _SHORTEST:
            continue
        taken = digits.scan_cluster(text, lower, start, end, hits)
        phones.scan_phone(text, lower, start, end, taken, hits)
    contact.scan_mail(text, hits)
    prepared().scan(text, lower, hits)


def _lower(text: str) -> str:
    """Lower case of the same length: a letter whose lower case is longer (U+0130) stays as it is."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join([low if len(low := c.lower()) == 1 else c for c in text])
