"""Good profiles as text, and ways to spoil them."""

from __future__ import annotations

COMPLETE = """\
version: 1
name: rig
platform:
  kind: proxmox
hardware:
  cpu:
    model: AMD Ryzen 9 7950X
    cores: 16
  memory: 128GiB
  storage: 2TB
  gpus:
    - model: rtx-4090
      count: 2
workload:
  models:
    - name: chat
      model: llama3.3-70b
      quant: q4_k_m
      parallel: 2
      kv: q8_0
machines:
  - name: engine
    services: [llama_cpp]
    cores: 8
    memory: 64GiB
    disk: 300GiB
    address: 11
  - name: data
    services: [postgresql]
    cores: 2
    memory: 8GiB
    disk: 100GiB
    address: 12
  - name: apps
    services: [open_webui, n8n]
    cores: 4
    memory: 12GiB
    disk: 60GiB
    address: 13
  - name: gateway
    services: [caddy]
    cores: 2
    memory: 2GiB
    disk: 16GiB
    address: 10
"""
"""A profile that stands alone and is in order."""


def extend(text: str) -> str:
    """A profile over sme-2x4090; `text` begins in line 3."""
    return f"extends: sme-2x4090\nname: rig\n{text}\n"


def with_machines(text: str) -> str:
    """The same with changes to machines by name: engine, data, apps, gateway are machines[0] to machines[3]."""
    return extend(f"machines:\n  {text}")


def in_model(text: str) -> str:
    """The same with a change to its only model."""
    return extend(f"workload: {{models: {{chat: {{{text}}}}}}}")


def replace(old: str, new: str) -> str:
    """COMPLETE with one passage changed."""
    assert COMPLETE.count(old) == 1
    return COMPLETE.replace(old, new)
