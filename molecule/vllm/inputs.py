"""What the scenario converges with: vLLM's real CPU build and the tiny checkpoint, from the cache or made now.

Prints one JSON document: release, bundle with its sha256, and the checkpoint's files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from provision.catalog.releases import release_id
from provision.lab.bundles import ensure_bundle
from provision.lab.tiny_checkpoint import ensure_tiny_checkpoint

RECIPE = Path(__file__).parents[2] / "roles" / "vllm" / "files" / "recipe"


def say(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> None:
    release = release_id(RECIPE)
    bundle = ensure_bundle(RECIPE, release, f"/opt/vllm/releases/{release}", say)
    files = [
        {"file": name, "path": str(path), "sha256": path.name, "url": f"file:///root/{path.name}"}
        for name, path in ensure_tiny_checkpoint().items()
    ]
    print(
        json.dumps(
            {"release": release, "bundle": str(bundle.path), "bundle_sha256": bundle.sha256, "files": files},
        )
    )


if __name__ == "__main__":
    main()
