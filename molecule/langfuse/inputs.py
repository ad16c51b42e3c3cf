"""The archive that the scenario loads: the lab's stand-ins, from the cache or built now.

Prints one JSON document: path and sha256 of the archive, and the images as roles/langfuse wants them.
"""

from __future__ import annotations

import json
import sys

from provision.catalog import load_catalog
from provision.catalog.images import load_images
from provision.pipeline.container_images import build_stand_ins, name_stand_in
from provision.pipeline.stages import StageClock


def main() -> None:
    bundle = build_stand_ins(StageClock(lambda event: print(event, file=sys.stderr)))
    known = load_images()
    images = [
        {
            "name": "web" if name == "langfuse" else name.removeprefix("langfuse-"),
            "reference": name_stand_in(known[name]),
            "url": f"file:///root/{bundle.path.name}",
            "sha256": bundle.sha256,
        }
        for name in load_catalog().services["langfuse"].images
    ]
    print(json.dumps({"path": str(bundle.path), "images": images}))


if __name__ == "__main__":
    main()
