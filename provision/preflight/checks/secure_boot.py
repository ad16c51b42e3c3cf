"""With Secure Boot on, will the kernel load a module that DKMS signed?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import EVERYWHERE, Check, Evidence, Problem

_STEPS = (
    "on the node: mokutil --import /var/lib/dkms/mok.pub (it asks for a one-time password), reboot, and at the console "
    "choose Enroll MOK > Continue > Yes and type that password; or switch Secure Boot off in the firmware"
)


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if node.secure_boot is None:
        yield evidence.unknown("secure_boot", "whether Secure Boot is on")
    elif not node.secure_boot or node.signing_key == "enrolled" or node.driver is not None:
        return
    elif node.signing_key is None:
        yield evidence.unknown("signing_key", "Secure Boot is on; whether DKMS's key is enrolled")
    elif node.signing_key == "absent":
        yield Problem(
            "Secure Boot is on and DKMS has no signing key yet: the kernel would refuse the NVIDIA module",
            "DKMS makes the key when it first builds a module: install the driver, then " + _STEPS,
            where="/var/lib/dkms/mok.pub",
        )
    else:
        yield Problem(
            "Secure Boot is on and DKMS's key is not enrolled: the kernel refuses the NVIDIA module",
            _STEPS,
            where="/var/lib/dkms/mok.pub",
        )


CHECK = Check(
    id="secure_boot",
    asks="Secure Boot is off, or DKMS's key is enrolled, or the driver is loaded already.",
    why="DKMS signs with /var/lib/dkms/mok.key; enrolment needs the console (pve-docs, system-booting.adoc).",
    judge=judge,
    platforms=EVERYWHERE,
)
