"""The release that the scenario converges with, from the cache or built now. Prints one JSON document."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from provision.catalog.releases import release_id
from provision.lab.bundles import ensure_bundle

RECIPE = Path(__file__).parents[2] / "roles" / "decision_layer" / "files" / "recipe"


def main() -> None:
    release = release_id(RECIPE)
    destination = f"/opt/decision-layer/releases/{release}"
    bundle = ensure_bundle(RECIPE, release, destination, lambda line: print(line, file=sys.stderr))
    print(json.dumps({"release": release, "bundle": str(bundle.path), "bundle_sha256": bundle.sha256}))


if __name__ == "__main__":
    main()
