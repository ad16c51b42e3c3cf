"""Recall by kind and false escalation on tests/data, with Wilson 95 % intervals, for both splits.

Run: .venv/bin/python bench/bench_recall.py [--misses [dev|test]] [FILE.jsonl ...]
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from decision_layer.detect import scan
from decision_layer.parts import Part

DATA = Path(__file__).parent.parent / "tests" / "data"
_Z = 1.959964


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The interval of Wilson (1927) for a share, 95 %."""
    if not total:
        return 0.0, 1.0
    share, z2 = hits / total, _Z * _Z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def load(paths: list[Path]) -> list[dict[str, Any]]:
    """Rows of the data files."""
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines() if line]


def found(text: str) -> set[str]:
    """Kinds found in a text as the only message."""
    return {f.kind for f in scan([Part(text, "user", "messages[0].content")])}


def measure(rows: list[dict[str, Any]]) -> tuple[dict[str, tuple[int, int]], tuple[int, int], list[str]]:
    """(hits, total) by kind, (escalated, total) of the hard negatives, and a line for each miss."""
    total: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    escalated = negatives = 0
    misses = []
    for row in rows:
        kinds = found(row["text"])
        if row["hard_negative"]:
            negatives += 1
            escalated += bool(kinds)
            misses += [f"false {sorted(kinds)}: {row['text']}"] if kinds else []
        for kind in row["kinds"]:
            total[kind] += 1
            hit[kind] += kind in kinds
            misses += [] if kind in kinds else [f"missed {kind} (found {sorted(kinds)}): {row['text']}"]
    return {kind: (hit[kind], n) for kind, n in sorted(total.items())}, (escalated, negatives), misses


def any_kind(rows: list[dict[str, Any]]) -> tuple[int, int]:
    """(hits, total) of the texts with a kind of Art. 9, where another kind of it counts too: the class is the same."""
    chosen = [row for row in rows if any(kind.startswith("art9") for kind in row["kinds"])]
    return sum(any(kind.startswith("art9") for kind in found(row["text"])) for row in chosen), len(chosen)


def _line(name: str, hits: int, total: int) -> str:
    low, high = wilson(hits, total)
    return f"{name:24} {hits:4d}/{total:<4d} {hits / max(total, 1):7.1%}  [{low:6.1%}, {high:6.1%}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="append", choices=("dev", "test"), default=[])
    parser.add_argument("files", nargs="*", type=Path)
    args = parser.parse_args()
    rows = load(args.files or sorted(DATA.glob("*.jsonl")))
    for split in ("dev", "test"):
        kinds, (escalated, negatives), misses = measure([r for r in rows if r.get("split", "test") == split])
        print(f"--- {split}")
        for kind, (hits, total) in kinds.items():
            print(_line(kind, hits, total))
        for name, prefix in (("all identifiers", ("art", "secrecy")), ("all art9", ("art9",))):
            chosen = [v for k, v in kinds.items() if k.startswith(prefix) is (name == "all art9")]
            print(_line(name, sum(h for h, _ in chosen), sum(t for _, t in chosen)))
        print(_line("art9, by any kind of it", *any_kind([r for r in rows if r.get("split", "test") == split])))
        print(_line("false escalation", escalated, negatives))
        if split in args.misses:
            print("\n".join(misses))


if __name__ == "__main__":
    main()
