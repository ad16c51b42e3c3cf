"""What a person should know before going on: notes and warnings, never a reason to stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provision.models.catalog import Catalog
from provision.models.plan import Card, EngineInstance, Finding, Flow
from provision.models.profile import Machine, Profile
from provision.planner.demand import ENGINE_NAMES, list_files
from provision.planner.provider_firewalls import firewall_finding
from provision.planner.replicas import Replica
from provision.planner.routing_findings import routing_findings
from provision.planner.scratch import scratch_findings
from provision.planner.systems import system_findings
from provision.planner.way_in import GATEWAY_SERVICE

FREE_POWER_W = 250
"""Left of the power supply beside the GPUs for CPU, disks and fans: an assumption."""


def collect_findings(
    profile: Profile,
    catalog: Catalog,
    homes: Mapping[str, Machine],
    cards: Sequence[Card],
    engines: Sequence[EngineInstance],
    flows: Sequence[Flow],
    *,
    live: bool,
) -> tuple[Finding, ...]:
    """All findings, warnings first, in a fixed order."""
    found = [
        *_hardware(profile, catalog, cards),
        *_models(profile, catalog),
        *_engines(homes, engines, catalog),
        *_contexts(profile, engines),
        *((*_live(profile), *firewall_finding(profile, flows)) if live else _stand_in_vms(profile)),
        *scratch_findings(profile, live=live),
        *system_findings(profile, live=live),
        *_gateway(homes),
        *routing_findings(profile, homes),
        *_releases(homes, catalog),
        Finding(
            severity="note",
            what="nothing is backed up: backups are not yet part of the stack",
            where="profile",
            hint="include the guests in the host's own backups until then",
        ),
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))


def _hardware(profile: Profile, catalog: Catalog, cards: Sequence[Card]) -> Iterator[Finding]:
    cores = sum(machine.cores for machine in profile.machines)
    if cores > profile.hardware.cpu.cores:
        yield Finding(
            severity="warning",
            what=f"the machines share {profile.hardware.cpu.cores} cores, but count on {cores} together",
            where="machines",
            hint="fine while they are not busy at once; otherwise give them fewer cores",
        )
    supply = profile.hardware.power_supply
    gpus = 0
    for group in profile.hardware.gpus:
        rated = catalog.gpus[group.model].tdp_w
        gpus += group.count * min(group.power_limit or rated, rated)
    if supply is not None and gpus + FREE_POWER_W > supply:
        yield Finding(
            severity="warning",
            what=f"the GPUs may draw {gpus} W of the power supply's {supply} W",
            where="hardware.power_supply",
            hint="set power_limit for the GPUs, or use a stronger power supply",
        )
    for model in sorted({card.model for card in cards if not card.simulated}):
        if not catalog.gpus[model].usable_measured:
            yield Finding(
                severity="note",
                what=f"how much memory CUDA offers on {model} is estimated, not measured",
                where="catalogue, gpus",
                hint="verify compares the plan with NVML after the models are loaded",
            )


def _models(profile: Profile, catalog: Catalog) -> Iterator[Finding]:
    for index, model in enumerate(profile.workload.models):
        if isinstance(model, Replica) and model.number > 1:
            continue
        entry = catalog.models[model.model]
        for finding in entry.findings:
            yield Finding(
                severity=finding.severity,
                what=f"{entry.id} is under {entry.licence}: {finding.what}",
                where=f"workload.models.{index}",
                hint="make sure that the licence allows your use",
            )


def _engines(homes: Mapping[str, Machine], engines: Sequence[EngineInstance], catalog: Catalog) -> Iterator[Finding]:
    for engine in engines:
        if engine.wanted_model != engine.model:
            yield Finding(
                severity="warning",
                what=f"{engine.wanted_model} is replaced by the small real model {engine.model} in the lab"
                + (", its cards are simulated" if engine.cards else ""),
                where=f"engines.{engine.name}",
                hint="memory and speed of the lab say nothing about the real hardware",
            )
        elif engine.simulated:
            yield Finding(
                severity="warning",
                what=f"the cards of {engine.name} are simulated in the lab",
                where=f"engines.{engine.name}",
                hint="memory and speed of the lab say nothing about the real hardware",
            )
        if not engine.cards:
            yield Finding(
                severity="note",
                what=f"{engine.name} runs on the CPU",
                where=f"engines.{engine.name}",
                hint="expect a few tokens per second with models of more than some billion parameters",
            )
        quants = list_files(catalog.models[engine.wanted_model], ENGINE_NAMES[engine.service])
        size = next((quant.file_mib for quant in quants if quant.name == engine.quant), 0)
        if engine.cards and not engine.simulated and size > homes[engine.service].memory:
            yield Finding(
                severity="warning",
                what=f"'{engine.machine}' has less memory than the file of {engine.model} ({size} MiB)",
                where="machines",
                hint="the file is read through the page cache, which counts as the guest's memory: loading is slow",
            )


def _contexts(profile: Profile, engines: Sequence[EngineInstance]) -> Iterator[Finding]:
    wanted = {model.name: model.context for model in profile.workload.models}
    for engine in engines:
        context = engine.context_tokens // engine.parallel
        if context < wanted[engine.name]:
            yield Finding(
                severity="note",
                what=f"{engine.name} has {context} tokens of context per slot in the lab, not {wanted[engine.name]}",
                where=f"engines.{engine.name}",
                hint="the small model has no more, and the lab's memory is this machine's",
            )


def _live(profile: Profile) -> Iterator[Finding]:
    """What does not concern a lab: there, provision makes the machines and comes from the bridge."""
    for index, machine in enumerate(profile.machines):
        if machine.kind == "host":
            yield Finding(
                severity="note",
                what=f"'{machine.name}' is a machine of its own, which must have the address planned for it",
                where=f"machines.{index}.address",
                hint="set network.cidr and the machine's address to what it really has",
            )
    if not profile.network.admin_networks:
        yield Finding(
            severity="warning",
            what="ssh is open to every network, since no administrators' network is named",
            where="network.admin_networks",
            hint="name the networks that administrators come from, for example [192.168.10.0/24]",
        )


def _releases(homes: Mapping[str, Machine], catalog: Catalog) -> Iterator[Finding]:
    for name in sorted(homes):
        if catalog.services[name].held:
            yield Finding(
                severity="warning",
                what=f"{name} is held on release {catalog.services[name].release}",
                where=f"services.{name}",
                hint=f"provision rollback {name} --undo lets it go on",
            )
        if catalog.services[name].stand_in:
            yield Finding(
                severity="warning",
                what=f"{name} is a stand-in in the lab: it speaks the API that is used, and is not the real program",
                where=f"services.{name}",
                hint="what upstream publishes, by its pinned checksum, is what a live target gets",
            )


def _stand_in_vms(profile: Profile) -> Iterator[Finding]:
    for index, machine in enumerate(profile.machines):
        if machine.kind == "vm":
            yield Finding(
                severity="warning",
                what=f"'{machine.name}' is a VM, and in the lab a container stands in for it",
                where=f"machines.{index}.kind",
                hint="the lab says nothing about its kernel, boot and cloud-init",
            )


def _gateway(homes: Mapping[str, Machine]) -> Iterator[Finding]:
    if GATEWAY_SERVICE in homes:
        yield Finding(
            severity="note",
            what=f"'{homes[GATEWAY_SERVICE].name}' is the only way in: if it is down, nobody reaches anything",
            where="machines",
            hint="a second gateway is not yet part of the stack",
        )
    else:
        yield Finding(
            severity="warning",
            what="no machine is a gateway, so no application can be opened by a person",
            where="machines",
            hint=f"add {GATEWAY_SERVICE} to the services of a machine",
        )
