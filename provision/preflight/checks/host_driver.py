"""Plain host: whose NVIDIA driver is it, and is it new enough for the engines?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.preflight.check import HOST, Check, Evidence, Problem
from provision.preflight.driver_table import numbers
from provision.preflight.engine_drivers import FLOORS, SOURCE


def judge(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    if not evidence.plan.cards:
        return
    if node.driver is None and node.driver_noted is None:
        if node.driver_packages is None:
            yield evidence.unknown("driver_packages", "whether the distribution's NVIDIA driver is installed")
        yield from _not_loaded(evidence)
    if not evidence.leaves_driver:
        try:
            _ = node.distribution_headers
        except ValueError as error:
            yield Problem(
                f"{error}: the headers that a driver is built with cannot be named",
                "install the distribution's own kernel and boot it, or install the NVIDIA driver yourself",
                where=f"kernel {node.kernel}",
            )
    if node.driver is None or not evidence.leaves_driver:
        return
    for service in dict.fromkeys(engine.service for engine in evidence.plan.engines if engine.cards):
        floor = FLOORS[service]
        if numbers(node.driver) < numbers(floor):
            yield Problem(
                f"NVIDIA driver {node.driver} is too old for {service}, which needs {floor} or newer ({SOURCE})",
                "provision did not install it and leaves it as it is: upgrade it the way it was installed, or remove "
                "it and run again, and provision installs its own",
                where="/proc/driver/nvidia/version",
            )


def _not_loaded(evidence: Evidence) -> Iterator[Problem]:
    node = evidence.node
    modules = [f"{module.name} {module.version} (DKMS)" for module in node.dkms or ()]
    there = [*(node.driver_packages or ()), *modules]
    if there:
        yield Problem(
            f"an NVIDIA driver is installed and not loaded: {', '.join(there)}",
            "load it (modprobe nvidia says why it does not, often a reboot is due); or remove it, and provision "
            "installs its own",
            where="/proc/driver/nvidia/version",
        )


CHECK = Check(
    id="host_driver",
    asks="Plain host: a driver that is there is loaded, and new enough for the plan's engines.",
    why="A driver that provision did not install is never replaced; two installations over each other break both.",
    judge=judge,
    platforms=HOST,
)
