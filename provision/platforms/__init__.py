"""What differs from target to target, as data."""

from provision.platforms.host import live_connections
from provision.platforms.lab import lab_spec, machines_to_create
from provision.platforms.proxmox import explain_missing_guests

__all__ = ["explain_missing_guests", "lab_spec", "live_connections", "machines_to_create"]
