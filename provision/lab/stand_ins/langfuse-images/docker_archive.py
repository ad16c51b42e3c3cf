"""Writes the descriptions of the images beside their layer: the form of `docker save`, which `docker load` reads."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

PYTHON = "/usr/bin/python3"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IMAGES: dict[str, dict[str, Any]] = {
    "langfuse": {"Entrypoint": [PYTHON, "/usr/local/lib/langfuse-stand-in/langfuse_web.py"], "User": "1001"},
    "langfuse-worker": {"Entrypoint": [PYTHON, "/usr/local/lib/langfuse-stand-in/langfuse_worker.py"], "User": "1001"},
    "langfuse-clickhouse": {"Entrypoint": [PYTHON, "/usr/local/lib/langfuse-stand-in/clickhouse.py"]},
    "langfuse-postgres": {"Entrypoint": ["/usr/local/lib/langfuse-stand-in/postgres.sh"], "Cmd": ["postgres"]},
    "langfuse-redis": {"Cmd": ["redis-server"]},
    "langfuse-minio": {"Cmd": ["minio", "server", "/data"]},
}


def main() -> None:
    folder, tag = Path(sys.argv[1]), sys.argv[2]
    with (folder / "layer.tar").open("rb") as layer:
        diff_id = f"sha256:{hashlib.file_digest(layer, 'sha256').hexdigest()}"
    manifest = []
    for name, settings in IMAGES.items():
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Env": [PATH, "PYTHONUNBUFFERED=1"], "Labels": {"provision.stand-in": name}, **settings},
                "rootfs": {"type": "layers", "diff_ids": [diff_id]},
                "history": [{"created_by": f"provision's stand-in of {name}"}],
            }
        ).encode()
        file = f"{hashlib.sha256(config).hexdigest()}.json"
        (folder / file).write_bytes(config)
        manifest.append({"Config": file, "RepoTags": [f"provision-stand-in/{name}:{tag}"], "Layers": ["layer.tar"]})
    (folder / "manifest.json").write_text(json.dumps(manifest))


if __name__ == "__main__":
    main()
