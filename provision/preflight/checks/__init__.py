"""All checks, in the order in which they are judged: causes before consequences. A new check is added here."""

from __future__ import annotations

from provision.preflight.check import Check
from provision.preflight.checks import (
    card_binding,
    cards,
    clock,
    device_nodes,
    driver,
    driver_kernel,
    guests,
    holders,
    kernel_headers,
    locks,
    login,
    memory,
    nouveau,
    proxmox,
    repositories,
    secure_boot,
    storage,
    template,
    template_sum,
    upgrades,
)

CHECKS: tuple[Check, ...] = (
    login.CHECK,
    proxmox.CHECK,
    repositories.CHECK,
    kernel_headers.CHECK,
    secure_boot.CHECK,
    nouveau.CHECK,
    card_binding.CHECK,
    cards.CHECK,
    driver.CHECK,
    driver_kernel.CHECK,
    device_nodes.CHECK,
    holders.CHECK,
    memory.CHECK,
    storage.CHECK,
    template.CHECK,
    template_sum.CHECK,
    guests.CHECK,
    locks.CHECK,
    clock.CHECK,
    upgrades.CHECK,
)
