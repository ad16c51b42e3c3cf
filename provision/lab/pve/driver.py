"""What stands for NVIDIA's installer in the lab: a shell script that takes the same options and "loads" the driver.

It is served by the mirror and fetched by its sha256 like the real one; what it leaves is simulated and says so.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from provision.lab.pve.node import TREE
from provision.places import find_cache

SCRIPT = f"""#!/bin/sh
# Stand-in of the lab for NVIDIA's installer.
set -eu
for option in "$@"; do
    case $option in
        --silent | --dkms | --kernel-module-type=open | --allow-installation-with-running-driver) ;;
        --no-x-check | --no-nouveau-check | --no-backup) ;;
        *)
            echo "unrecognized option: $option" >&2
            exit 1
            ;;
    esac
done
if [ ! -e "{TREE}/lib/modules/$(uname -r)/build" ]; then
    echo "ERROR: Unable to find the kernel source tree for the currently running kernel." >&2
    exit 1
fi
cp -a {TREE}/unloaded/. {TREE}/
printf '%s\\n' "$*" > {TREE}/installer-options
"""


def lab_installer() -> Path:
    """The file in the cache, named by its sha256."""
    sha256 = hashlib.sha256(SCRIPT.encode()).hexdigest()
    path = find_cache() / "downloads" / sha256
    if not path.exists():
        fresh = path.with_name(f".{sha256}.new")
        fresh.write_text(SCRIPT)
        fresh.chmod(0o644)
        fresh.rename(path)
    return path
