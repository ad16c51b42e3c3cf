"""`make bench`: every measured claim, in one run. Brings the lab's demo stack up first."""

from __future__ import annotations

import subprocess
import sys
import time

from bench import bench_ansible, bench_memory, bench_planning

UP = [sys.executable, "-m", "provision.cli.main", "up", "--profile", "sme-2x4090", "--lab", "--yes", "--json"]


def main() -> int:
    subprocess.run(UP, stdout=subprocess.DEVNULL, check=True)
    print("== memory: the plan against llama-fit-params of the pinned build")
    failed = bench_memory.main()
    print("== planning")
    failed |= bench_planning.main()
    print("== a second run against stock Ansible")
    started = time.monotonic()
    subprocess.run(UP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    print(f"second `provision up`, verification included: {time.monotonic() - started:.1f} s")
    print("its run stage, and all playbooks with our settings, against the same playbooks under stock settings:")
    sys.argv = ["bench"]
    return failed | bench_ansible.main()


if __name__ == "__main__":
    sys.exit(main())
