"""docs/checks.md from the registry, so that the page cannot lag behind the code: python -m provision.verify.describe"""

from __future__ import annotations

from provision.verify.checks import CHECKS

_HEAD = """# Checks

Written by `python -m provision.verify.describe > docs/checks.md`; a test holds it to the registry
(`provision/verify/checks/__init__.py`). `provision verify` judges in this order. A failure that an earlier failed check
explains is reported as skipped with that check as its reason: one cause, one red line. A check that passes is never
hidden, and nothing is skipped unless something failed.

| check | what is compared | usual cause of a failure | explained by |
|---|---|---|---|
"""


def describe_checks() -> str:
    """The whole page."""
    rows = [f"| `{c.id}` | {c.asks} | {c.fails} | {', '.join(f'`{n}`' for n in c.needs) or '-'} |\n" for c in CHECKS]
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    print(describe_checks(), end="")
