"""NVIDIA driver and Linux kernel: what is known to build and what is known not to. Data only; each row has its source.

The driver is one full version, the kernel its series ('6.17' stands for every 6.17.x). How far a row reaches is said in
`driver_table`.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    driver: str
    kernel: str
    builds: bool
    source: str


ROWS: tuple[Row, ...] = (
    Row("535.129.03", "6.2", True, "github.com/blakeblackshear/frigate/issues/8652 (6.2.16-19-pve, nvidia-smi runs)"),
    Row("535.154.05", "6.7", False, "github.com/void-linux/void-packages/issues/48504 (6.7.3, rcu_read_lock is GPL)"),
    Row("550.78", "6.8", True, "github.com/NVIDIA/open-gpu-kernel-modules/issues/635 (6.8.9, modinfo)"),
    Row("550.163.01", "6.17", False, "github.com/NVIDIA/open-gpu-kernel-modules/issues/1143 (6.17.13-2-pve)"),
    Row("555.58.02", "6.17", False, "github.com/NVIDIA/open-gpu-kernel-modules/issues/1143 (6.17.13-2-pve)"),
    Row("570.153.02", "6.15", False, "github.com/void-linux/void-packages/issues/55536"),
    Row("580.119.02", "6.18", True, "github.com/Frogging-Family/nvidia-all/issues/379 (6.18.32 built, 7.0.9 did not)"),
    Row("580.119.02", "7.0", False, "github.com/Frogging-Family/nvidia-all/issues/379 (7.0.9)"),
    Row("580.142", "7.0", True, "github.com/void-linux/void-packages/issues/61087 (in use on 7.0)"),
    Row("580.142", "7.1", False, "github.com/void-linux/void-packages/issues/61087 (7.1.0)"),
    Row("580.159.04", "7.1", True, "nvidia.com/en-gb/drivers/details/271293, as quoted in void-packages/issues/61087"),
    Row("595.71.05", "6.17", True, "packages.ubuntu.com/questing/linux-modules-nvidia-595-generic-6.17 (6.17.0-35)"),
)
