"""The lab's Proxmox API as a process: started where it does not run, ended with the lab."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from provision.errors import SetupError
from provision.lab.commands import run
from provision.lab.pve.environment import ensure_environment
from provision.lab.remains import is_zombie
from provision.models.lab import NODE_NAME

PORT = 8006
PROGRAM = Path(__file__).with_name("api_program.py")
START_LIMIT_S = 20.0
END_LIMIT_S = 5.0


@dataclass(frozen=True)
class ApiFiles:
    """What the API keeps, in one folder that only root enters."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def password(self) -> Path:
        """Root's, as a node has one."""
        return self.folder / "root-password"

    @property
    def requests(self) -> Path:
        """One JSON object per request that was answered: at, user, method, path, status."""
        return self.folder / "requests.jsonl"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.json"

    @property
    def log(self) -> Path:
        return self.folder / "log"


def ensure_api(files: ApiFiles, address: IPv4Address) -> None:
    """Have the API answer at `address`. Raises SetupError with the end of its log when it does not."""
    started = _start(files) if find_process(files) is None else None
    deadline = time.monotonic() + START_LIMIT_S
    while not _answers(files, address):
        # Its entry in /proc names the program only a moment after the start.
        ended = started.poll() is not None if started else find_process(files) is None
        if time.monotonic() > deadline or ended:
            said = " ".join(files.log.read_text(errors="replace").split())[-300:]
            raise SetupError(
                f"the lab's Proxmox API does not answer: {said}",
                where=f"https://{address}:{PORT}, log {files.log}",
                hint="is the port free? ss -ltnp; provision down --lab and up again make it anew",
            )
        time.sleep(0.05)


def stop_api(files: ApiFiles) -> None:
    """End the process; absent is fine."""
    process = find_process(files)
    if process is None:
        return
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + END_LIMIT_S
    while find_process(files) is not None:
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def find_process(files: ApiFiles) -> int | None:
    """By its argument, which names this lab's settings: a stale pid file cannot mislead."""
    wanted = [str(PROGRAM).encode(), str(files.settings).encode()]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[1:3] == wanted and not is_zombie(entry):
            return int(entry.name)
    return None


def prepare_files(lab: str, files: ApiFiles, address: IPv4Address, node_root: Path) -> None:
    """Settings, root's password and a certificate for `address`; what is there stays."""
    files.folder.mkdir(mode=0o700, exist_ok=True)
    if not files.password.exists():
        _write_secret(files.password, secrets.token_urlsafe(24))
    key = files.folder / "key.pem"
    if not files.certificate.exists() or not key.exists():
        subject = ["-subj", f"/CN={NODE_NAME} (lab)", "-addext", f"subjectAltName=IP:{address},DNS:{NODE_NAME}"]
        made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]
        out = ["-keyout", str(key), "-out", str(files.certificate)]
        run(["openssl", "req", *made, *subject, *out], hint="check that openssl is installed")
        key.chmod(0o600)
    settings = {
        "host": str(address),
        "port": PORT,
        "node": NODE_NAME,
        "certificate": str(files.certificate),
        "key": str(key),
        "password_file": str(files.password),
        "state": str(files.folder / "state.json"),
        "requests": str(files.requests),
        "uploads": {
            "vztmpl": str(node_root / "var/lib/vz/template/cache"),
            "import": str(node_root / "var/lib/vz/import"),
        },
        "configs": {
            "lxc": str(node_root / f"etc/pve/nodes/{NODE_NAME}/lxc"),
            "qemu": str(node_root / f"etc/pve/nodes/{NODE_NAME}/qemu-server"),
        },
        "hook": [sys.executable, "-m", "provision.lab.pve.hook", lab],
    }
    files.settings.write_text(json.dumps(settings, indent=1) + "\n")


def _write_secret(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text + "\n")


def _start(files: ApiFiles) -> subprocess.Popen[bytes]:
    """In a session of its own: it lives as long as the lab, like the guests."""
    argv = [str(ensure_environment()), str(PROGRAM), str(files.settings)]
    with files.log.open("ab") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _answers(files: ApiFiles, address: IPv4Address) -> bool:
    context = ssl.create_default_context(cafile=str(files.certificate))
    try:
        with (
            socket.create_connection((str(address), PORT), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname=str(address)),
        ):
            return True
    except OSError:
        return False
