"""The cards of a profile, numbered across its groups in the order of the PCI bus."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from provision.models.catalog import Catalog, GpuEntry
from provision.models.plan import Card
from provision.models.profile import GpuGroup, Profile
from provision.planner.problems import Problems, list_choices


def list_cards(profile: Profile, catalog: Catalog, client: str, *, simulated: bool, problems: Problems) -> list[Card]:
    """All cards. Simulated ones have a UUID and a PCI address that follow from client and index alone."""
    cards: list[Card] = []
    for place, group in enumerate(profile.hardware.gpus):
        entry = catalog.gpus.get(group.model)
        if entry is None:
            problems.add(
                f"GPU '{group.model}' is not in the catalogue",
                at=f"hardware.gpus.{place}.model",
                hint=list_choices(group.model, catalog.gpus),
            )
            continue
        _check_memory(group, entry, place, problems)
        for _ in range(group.count):
            cards.append(_describe(len(cards), entry, group, client, simulated))
    return cards


def imagine_cards(entry: GpuEntry, count: int) -> tuple[Card, ...]:
    """Cards that nobody has yet: what `fit` asks about."""
    return tuple(_make_card(index, entry, entry.memory_mib) for index in range(count))


def _check_memory(group: GpuGroup, entry: GpuEntry, place: int, problems: Problems) -> None:
    # Makers' figures are round ("24GB"), NVML's are not: 24GiB is 12 MiB more than a 4090 reports.
    if group.vram is not None and abs(group.vram - entry.memory_mib) > entry.memory_mib * 0.07:
        problems.add(
            f"hardware.gpus.{place} has {group.vram} MiB, but a {entry.nvml_name} has {entry.memory_mib} MiB",
            at=f"hardware.gpus.{place}.vram",
            hint="leave vram out (the catalogue knows it), or name the right card under model",
        )


def _describe(index: int, entry: GpuEntry, group: GpuGroup, client: str, simulated: bool) -> Card:
    card = _make_card(index, entry, min(entry.memory_mib, group.vram or entry.memory_mib))
    card = card.model_copy(update={"power_limit_w": group.power_limit})
    if not simulated:
        return card
    name = f"provision:{client}:{index}"
    return card.model_copy(
        update={
            "uuid": f"GPU-{uuid5(NAMESPACE_URL, name)}",
            "pci_address": f"00000000:{index + 1:02X}:00.0",
            "simulated": True,
            "minor": index,
        }
    )


def _make_card(index: int, entry: GpuEntry, memory_mib: int) -> Card:
    return Card(
        index=index,
        model=entry.id,
        nvml_name=entry.nvml_name,
        memory_mib=memory_mib,
        usable_mib=entry.usable_mib - (entry.memory_mib - memory_mib),
        bandwidth_gb_s=entry.bandwidth_gb_s,
        uuid=None,
        pci_address=None,
        simulated=False,
    )
