"""What the scenario converges with: the real release and the real small model, from the cache or made now.

Prints one JSON document: release, bundle and model, each a path with its sha256.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from provision.catalog.releases import release_id
from provision.lab.bundles import ensure_bundle
from provision.lab.small_model import ensure_small_model

RECIPE = Path(__file__).parents[2] / "roles" / "llama_cpp" / "files" / "recipe"


def say(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> None:
    release = release_id(RECIPE)
    bundle = ensure_bundle(RECIPE, release, f"/opt/llama-cpp/releases/{release}", say)
    model = ensure_small_model()
    print(
        json.dumps(
            {
                "release": release,
                "bundle": str(bundle.path),
                "bundle_sha256": bundle.sha256,
                "model": str(model),
                "model_sha256": model.name,
                "model_mib": model.stat().st_size // 2**20 + 1,
            }
        )
    )


if __name__ == "__main__":
    main()
