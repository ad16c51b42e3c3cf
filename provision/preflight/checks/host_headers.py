"""Plain host: can DKMS build modules, for the kernel that runs and for those to come?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import HOST, Check, Evidence, Problem


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if not evidence.plan.cards or evidence.leaves_driver:
        return
    try:
        running, following = node.distribution_headers
    except ValueError:
        return  # host_driver says so
    if node.kernels is None:
        yield evidence.unknown("kernels", "whether there are kernel headers")
    elif node.kernel not in {kernel.release for kernel in node.kernels if kernel.headers}:
        yield Problem(
            f"there are no headers for the running kernel {node.kernel}: no driver module can be built for it",
            f"apt-get install {running}; where the archive has them no more, apt-get upgrade and reboot first",
            where=f"/lib/modules/{node.kernel}/build",
            severity="warning",
        )
    if node.header_packages is not None and following not in node.header_packages:
        yield Problem(
            "headers do not follow kernel updates: DKMS skips the next kernel, and the cards are gone after a reboot",
            f"apt-get install {following}",
            where=f"package {following}",
            severity="warning",
        )


CHECK = Check(
    id="host_headers",
    asks="Plain host without a driver: headers for the running kernel, and the package that follows it.",
    why="Headers must be there before a kernel update, or DKMS skips it (i915-sriov-dkms#403).",
    judge=judge,
    mended=True,
    platforms=HOST,
)
