"""The answers file as JSON Schema (draft 2020-12), for editors.

`python -m provision.advise.schema > docs/advise.schema.json` writes it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from provision.models.advice import Answers


def answers_schema() -> dict[str, Any]:
    schema = Answers.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "provision advise: answers",
        "description": "What a firm says of itself; provision advise --answers FILE reads it.",
    }


def main() -> None:
    sys.stdout.write(json.dumps(answers_schema(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
