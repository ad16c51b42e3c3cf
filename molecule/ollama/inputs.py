"""The archive that the scenario unpacks, the lab's stand-in, and the real small model: from the cache or made now.

Prints one JSON document: file (as upstream calls it), path and sha256 of the stand-in, its release, and the model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from provision.catalog.node_artifacts import load_artifacts
from provision.catalog.releases import release_id
from provision.lab.bundles import ensure_bundle
from provision.lab.places import stand_in_recipe
from provision.lab.small_model import ensure_small_model

LLAMA_CPP = Path(__file__).parents[2] / "roles" / "llama_cpp" / "files" / "recipe"


def say(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> None:
    locked = load_artifacts(None)["ollama"]
    engine = release_id(LLAMA_CPP)
    needed = ensure_bundle(LLAMA_CPP, engine, f"/opt/llama-cpp/releases/{engine}", say)
    recipe = stand_in_recipe(locked.name)
    release = f"{locked.name}-{release_id(recipe)}"
    bundle = ensure_bundle(recipe, release, "/opt/stand-in", say, {"llama_cpp.tar.zst": needed.path})
    model = ensure_small_model()
    told = {"file": locked.file, "path": str(bundle.path), "sha256": bundle.sha256, "release": release}
    print(json.dumps({**told, "model": str(model), "model_mib": model.stat().st_size // 2**20 + 1}))


if __name__ == "__main__":
    main()
