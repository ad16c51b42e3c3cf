"""What an application's scenario converges with: its real release, from the cache or built now.

    python inputs.py ROLE

Prints one JSON document: release, bundle and bundle_sha256.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from provision.catalog.releases import release_id
from provision.lab.bundles import ensure_bundle


def main(role: str) -> None:
    recipe = Path(__file__).resolve().parents[2] / "roles" / role / "files" / "recipe"
    release = release_id(recipe)
    dest = f"/opt/{role.replace('_', '-')}/releases/{release}"
    bundle = ensure_bundle(recipe, release, dest, lambda line: print(line, file=sys.stderr))
    print(json.dumps({"release": release, "bundle": str(bundle.path), "bundle_sha256": bundle.sha256}))


if __name__ == "__main__":
    main(sys.argv[1])
