"""What stands for NVIDIA's installer in the lab: a shell script that takes the same options and "loads" the driver.

It is served by the mirror and fetched by its sha256 like the real one; what it leaves is simulated and says so.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from provision.lab.kernel import ANY_VERSION, RELEASE_FILE, TREE, VERSION_FILE
from provision.places import find_cache

ONLY_BUILDS = "only-builds"
"""Below the tree: the one version that builds, where a fault says so."""
SCRIPT = f"""#!/bin/sh
# Stand-in of the lab for NVIDIA's installer.
set -eu
version={ANY_VERSION}
libraries_only=
for option in "$@"; do
    case $option in
        --silent | --dkms | --kernel-module-type=open | --allow-installation-with-running-driver) ;;
        --no-x-check | --no-nouveau-check | --no-backup | --no-systemd | --no-dkms) ;;
        --no-kernel-modules) libraries_only=yes ;;
        *)
            echo "unrecognized option: $option" >&2
            exit 1
            ;;
    esac
done
if [ -n "$libraries_only" ]; then
    # In a guest, whose simulated libraries are there already: only the name tells the version.
    rm -f /usr/lib/x86_64-linux-gnu/libcuda.so.[0-9]*.*
    printf 'simulated by the lab\\n' > "/usr/lib/x86_64-linux-gnu/libcuda.so.$version"
    exit 0
fi
if [ ! -e "{TREE}/lib/modules/$(cat {TREE}/{RELEASE_FILE})/build" ]; then
    echo "ERROR: Unable to find the kernel source tree for the currently running kernel." >&2
    exit 1
fi
# A fault of the lab: no other driver than this one builds.
if [ -e {TREE}/{ONLY_BUILDS} ] && [ "$(cat {TREE}/{ONLY_BUILDS})" != "$version" ]; then
    echo "ERROR: Failed to run dkms build -m nvidia -v $version" >&2
    exit 1
fi
cp -a {TREE}/unloaded/. {TREE}/
for file in {TREE}/{VERSION_FILE} {TREE}/answers/dkms; do
    sed -i "s/{ANY_VERSION}/$version/" "$file"
done
printf '%s\\n' "$*" > {TREE}/installer-options
"""


def lab_installer(version: str) -> Path:
    """The file in the cache, named by its sha256."""
    script = SCRIPT.replace(f"version={ANY_VERSION}", f"version={version}")
    sha256 = hashlib.sha256(script.encode()).hexdigest()
    path = find_cache() / "downloads" / sha256
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{sha256}.new")
        fresh.write_text(script)
        fresh.chmod(0o644)
        fresh.rename(path)
    return path
