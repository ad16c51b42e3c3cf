"""Settings of this machine's kernel that labs need: raised with the first lab, put back with the last."""

from __future__ import annotations

from pathlib import Path

from provision.lab.locks import RUN_HOME

NEEDED = {
    # NAT for the guests.
    Path("/proc/sys/net/ipv4/ip_forward"): 1,
    # All guests share the quota of one uid range; each systemd takes about ten, and Debian's default is 128.
    Path("/proc/sys/fs/inotify/max_user_instances"): 8192,
}


def borrow_settings() -> None:
    """Raise what is too low, and note the former value once; the note dies with the boot, as it should."""
    for setting, needed in NEEDED.items():
        former = setting.read_text().strip()
        if int(former) >= needed:
            continue
        _note(setting).write_text(former)
        setting.write_text(str(needed))


def return_settings() -> None:
    """Put every borrowed setting back to what it was."""
    for setting in NEEDED:
        note = _note(setting)
        if note.exists():
            setting.write_text(note.read_text())
            note.unlink()


def _note(setting: Path) -> Path:
    return RUN_HOME / setting.name
