"""The archive that the scenario unpacks: the lab's stand-in, from the cache or built now.

Prints one JSON document: file (as upstream calls it), path and sha256 of the stand-in, and its release.
"""

from __future__ import annotations

import json
import sys

from provision.catalog.node_artifacts import load_artifacts
from provision.catalog.releases import release_id
from provision.lab.bundles import ensure_bundle
from provision.lab.places import stand_in_recipe


def main() -> None:
    locked = load_artifacts(None)["grafana"]
    recipe = stand_in_recipe(locked.name)
    release = f"{locked.name}-{release_id(recipe)}"
    bundle = ensure_bundle(recipe, release, "/opt/stand-in", lambda line: print(line, file=sys.stderr))
    print(json.dumps({"file": locked.file, "path": str(bundle.path), "sha256": bundle.sha256, "release": release}))


if __name__ == "__main__":
    main()
