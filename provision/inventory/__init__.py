"""From a plan to an inventory tree: build (pure), render, write (atomic)."""

from provision.inventory.build import build_inventory
from provision.inventory.render import render_inventory
from provision.inventory.secrets import required_secrets
from provision.inventory.write import write_inventory

__all__ = ["build_inventory", "render_inventory", "required_secrets", "write_inventory"]
