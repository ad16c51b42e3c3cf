"""Runs on a Proxmox node: everything that a preflight needs to know. It reads, and changes nothing.

Every program it may start stands in a call of `reading.run` with fixed arguments; a test holds them to a list. A
command that is missing or fails is recorded under `unread` with its fact, and the rest goes on. `pvesm status` and
`pveam list` look at the storages just as pvestatd does every few seconds. Of the guests' configurations only addresses,
lock and passed devices are taken: they may hold passwords.
"""
