"""docs/preflight.md and docs/driver-kernels.md from the code: python -m provision.preflight.describe checks|drivers"""

from __future__ import annotations

import sys

from provision.preflight.checks import CHECKS
from provision.preflight.driver_kernels import ROWS

_CHECKS = """# Preflight of a Proxmox node or a plain host

Written by `python -m provision.preflight.describe checks > docs/preflight.md`; a test holds it to the registry
(`provision/preflight/checks/__init__.py`). `provision doctor --profile P --set platform.host=NODE` logs in to it
as root by ssh (host keys are checked), runs `provision/preflight/script` there, which only reads, and says all findings
at once. An error blocks: exit code 5 where the node must be changed, 4 where only the plan does not go with the node. A
warning does not. What could not be read is a warning that says "not known" and why. IOMMU is not looked at: containers
do not need it.

| check | what is looked at | why |
|---|---|---|
"""
_DRIVERS = """# NVIDIA driver and kernel

Written by `python -m provision.preflight.describe drivers > docs/driver-kernels.md` from
`provision/preflight/driver_kernels.py`. `provision doctor --profile` refuses a driver that does not build for the
kernel that runs or the one that boots next; what the table does not tell is called not known.

How far a row reaches beyond itself is our inference: "builds" holds also for newer drivers of the same branch and for
older kernels (the open modules support "Linux kernel 3.10 or newer": README of NVIDIA/open-gpu-kernel-modules at
550.40.82); "does not build" holds also for older drivers of the same branch and for newer kernels. None of it was built
by us. Kernels of Proxmox VE, as published outputs of `pveversion -v` show them: 6.5 with 8.1, 6.8 with 8.2 to 8.4, 6.17
with 9.1, 7.0 with 9.2.

Not counted: 580.119.02 on Pop!_OS's 6.17.9 (github.com/pop-os/pop/issues/3811) failed, while the same driver built on
6.18.32; 590.x on a linux-tkg 6.19 (github.com/Frogging-Family/linux-tkg/issues/1186), where headers were missing too.

| driver | kernel | result | source |
|---|---|---|---|
"""


def describe_checks() -> str:
    """The whole page of the checks."""
    return _CHECKS + "".join(f"| `{check.id}` | {check.asks} | {check.why} |\n" for check in CHECKS)


def describe_drivers() -> str:
    """The whole page of the table."""
    rows = (f"| {r.driver} | {r.kernel} | {'builds' if r.builds else 'does not build'} | {r.source} |\n" for r in ROWS)
    return _DRIVERS + "".join(rows)


if __name__ == "__main__":
    print({"checks": describe_checks, "drivers": describe_drivers}[sys.argv[1]](), end="")
