"""Puts the simulated libraries and their config into the root file system of a lab guest.

The guest may be running and is not trusted: its root could put a link where a folder was. So every step below the
rootfs is taken by open folder, never through a link.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from provision.errors import SetupError
from provision.lab.simgpu.build import build_libraries
from provision.lab.simgpu.configuration import FaultRequest, render_config, render_module_version
from provision.models.lab import GpuFault, SimulatedGpu

LIBRARY_FOLDER = PurePosixPath("usr/lib/x86_64-linux-gnu")
CONFIG = PurePosixPath("etc/provision-simgpu.conf")
# Nothing but the kernel can write /proc/driver/nvidia/version; the probe falls back to this and says so.
MODULE_VERSION = PurePosixPath("etc/provision-simgpu-module-version")


def install_simulation(rootfs: Path, gpus: Sequence[SimulatedGpu], driver_version: str, uid_shift: int) -> None:
    """Give the guest its simulated cards, all healthy. `uid_shift` is the host's uid of the guest's root.

    Writes only what differs. Raises SetupError without a compiler, for malformed cards, or where the rootfs has no
    library folder.
    """
    for library in build_libraries():
        _place(rootfs, LIBRARY_FOLDER / library.name, library.read_bytes(), uid_shift)
    set_fault(rootfs, None, gpus=gpus, driver_version=driver_version, uid_shift=uid_shift)


def set_fault(
    rootfs: Path,
    fault: FaultRequest | GpuFault | None,
    *,
    gpus: Sequence[SimulatedGpu],
    driver_version: str,
    uid_shift: int,
) -> None:
    """Put the cards of a guest, running or not, into one faulty state, or with None back into health.

    Both files are replaced by one rename each; a program that loads the libraries afterwards sees the new state.
    """
    if isinstance(fault, str):
        fault = FaultRequest(name=fault)
    faults = () if fault is None else (fault,)
    config = render_config(gpus, driver_version, faults)
    _place(rootfs, MODULE_VERSION, render_module_version(driver_version, faults).encode(), uid_shift)
    _place(rootfs, CONFIG, config.encode(), uid_shift)


def _place(rootfs: Path, path: PurePosixPath, content: bytes, owner: int) -> None:
    """One file, owned by the guest's root, mode 0644, written beside its place and renamed."""
    with _folder(rootfs, path.parent) as folder:
        if _holds(folder, path.name, content):
            return
        temporary = f".{path.name}.{secrets.token_hex(4)}"
        handle = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder
        )
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                os.fchmod(handle, 0o644)
                os.fchown(handle, owner, owner)
            os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(temporary, dir_fd=folder)
            raise


def _holds(folder: int, name: str, content: bytes) -> bool:
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    with os.fdopen(handle, "rb") as source:
        return source.read(len(content) + 1) == content


@contextmanager
def _folder(rootfs: Path, folder: PurePosixPath) -> Iterator[int]:
    handle = os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folder.parts:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    except OSError as error:
        raise SetupError(
            f"the guest's folder /{folder} cannot be written: {error.strerror}",
            where=str(rootfs),
            hint="a guest's rootfs has this folder; remake the guest",
        ) from error
    finally:
        os.close(handle)
