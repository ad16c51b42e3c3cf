"""What differs from target to target, as data."""

from provision.platforms.host import explain_missing_guests, live_connections
from provision.platforms.lab import lab_spec, machines_to_create

__all__ = ["explain_missing_guests", "lab_spec", "live_connections", "machines_to_create"]
