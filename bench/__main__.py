"""`make bench`: every measured claim about speed, as ratios of one run. Brings the lab's demo stack up first."""

from __future__ import annotations

import subprocess
import sys
import time

from bench import bench_ansible

UP = [sys.executable, "-m", "provision.cli.main", "up", "--profile", "sme-2x4090", "--lab", "--yes", "--json"]


def main() -> int:
    subprocess.run(UP, stdout=subprocess.DEVNULL, check=True)
    started = time.monotonic()
    subprocess.run(UP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    print(f"second `provision up`, verification included: {time.monotonic() - started:.1f} s")
    print(
        "its run stage, and all playbooks with our settings, against the same playbooks under stock Ansible settings:"
    )
    sys.argv = ["bench"]
    return bench_ansible.main()


if __name__ == "__main__":
    sys.exit(main())
