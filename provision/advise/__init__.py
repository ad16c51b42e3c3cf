"""What a firm says of itself → cloud, hybrid or self-hosted, with a rule and its source for every sentence.

The rules are data (`data/`); this package reads them and lets them fire. Profiles and models come in from outside:
`provision.pipeline.advise` asks the planner.
"""

from __future__ import annotations

from provision.advise.answers import parse_answers, read_answers
from provision.advise.choose import Fitted, ProfileFacts
from provision.advise.evaluate import advise
from provision.advise.rules import Rulebook, describe_rules, load_rulebook

__all__ = [
    "Fitted",
    "ProfileFacts",
    "Rulebook",
    "advise",
    "describe_rules",
    "load_rulebook",
    "parse_answers",
    "read_answers",
]
