"""Preflight of a Proxmox node: a script that only reads, and pure checks of what it read."""
