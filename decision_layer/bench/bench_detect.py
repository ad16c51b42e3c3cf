"""Milliseconds for 4 kB and how time grows with length, on plain texts and on texts made to be slow.

Run: .venv/bin/python bench/bench_detect.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from decision_layer.detect import prepared, scan
from decision_layer.parts import Part

_EN = "The quarterly report covers our suppliers, and the team will review open invoices on Monday before noon. "
_DE = "Der Bericht für das Quartal liegt vor, und das Team prüft am Montag die offenen Rechnungen der Lieferanten. "
_DA = "Rapporten for kvartalet er klar, og holdet gennemgår på mandag de åbne fakturaer fra leverandørerne. "
_PERSONAL = "Anna Jensen, CPR 070761-4285, IBAN DE89 3704 0044 0532 0130 00, tlf. 20 12 34 56, har diabetes. "


def _random_words(size: int) -> str:
    rng = random.Random(7)  # noqa: S311
    words = ["".join(rng.choices("etaoinsrhldcumfpgwybvk", k=rng.randint(2, 10))) for _ in range(600)]
    return _repeat(" ".join(words) + " ")(size)


def _repeat(unit: str) -> Callable[[int], str]:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


# One entry for each shape that has hurt somebody's detectors: long runs, near misses, many starts.
CORPUS: dict[str, Callable[[int], str]] = {
    "prose en/de/da": _repeat(_EN + _DE + _DA),
    "prose with personal data": _repeat(_EN + _PERSONAL),
    "random words": _random_words,
    "one letter": _repeat("a"),
    "digits": _repeat("7"),
    "digits and spaces": _repeat("1 "),
    "digits in pairs": _repeat("12 "),
    "dates": _repeat("2024-01-31 "),
    "cards almost": _repeat("4111 1111 1111 1112 "),
    "iban heads": _repeat("DE89"),
    "iban heads apart": _repeat("D E 8 9 "),
    "iban almost": _repeat("DE89 3704 0044 0532 0130 01 "),
    "vat almost": _repeat("DE136695977 "),
    "at signs": _repeat("@"),
    "mail almost": _repeat("a.b-c@d."),
    "mail local": _repeat("a.a+a"),
    "brackets": _repeat("[at] "),
    "passwords": _repeat("password="),
    "password words": _repeat("password is "),
    "born": _repeat("born "),
    "born dates": _repeat("born 1.1."),
    "jwt": _repeat("eyJ"),
    "keys": _repeat("sk-"),
    "slashes": _repeat("://a:"),
    "pem": _repeat("-----BEGIN "),
    "percent": _repeat("%41"),
    "entities": _repeat("&amp;"),
    "base64": _repeat("QUFBQUFBQUFB"),
    "base64 of digits": _repeat("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA "),
    "spaces": _repeat(" "),
    "newlines": _repeat("\n"),
    "dots": _repeat(". "),
    "zero width": _repeat("1\u200b"),
    "full width": _repeat("\uff11\uff12\uff13\uff14 "),
    "sensitive words": _repeat("he cancer church union "),
    "masks": _repeat("health check healthy finances "),
    "one long sentence": _repeat("what is cancer research and he has cancer "),
    "topics": _repeat("her doctor nurse hospital priest police "),
    "letters apart": _repeat("a b c "),
    "documents almost": _repeat("L01X00T472 "),
    "nino almost": _repeat("AB 12 34 56 "),
    "vsnr almost": _repeat("65180539W002 "),
}


def best_ms(text: str, repeats: int = 7) -> float:
    """Processor time of the fastest of several runs, which is the one the machine disturbed least."""
    parts = [Part(text, "user", "messages[0].content")]
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        scan(parts)
        best = min(best, time.process_time() - begin)
    return best * 1000


def main() -> None:
    prepared()
    print(f"{'text':28} {'4 kB ms':>8} {'16 kB ms':>9} {'ratio':>6}")
    worst = (0.0, "")
    for name, make in CORPUS.items():
        small, large = best_ms(make(4096)), best_ms(make(16384), 3)
        worst = max(worst, (large / small, name))
        print(f"{name:28} {small:8.2f} {large:9.2f} {large / small:6.2f}")
    print(f"worst ratio for 4x the length: {worst[0]:.2f} ({worst[1]}); linear is 4, the limit 6")


if __name__ == "__main__":
    main()
