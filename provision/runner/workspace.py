"""One client's folder for one target: everything a run reads and leaves behind."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from provision.errors import SetupError


@dataclass(frozen=True)
class Workspace:
    """Paths below `<home>/clients/<client>/<target>`; nothing is created before it is needed."""

    client_folder: Path
    target: str

    @property
    def folder(self) -> Path:
        return self.client_folder / self.target

    @property
    def client_file(self) -> Path:
        return self.client_folder / "client.yml"

    @property
    def plan_file(self) -> Path:
        return self.folder / "plan.json"

    @property
    def profile_file(self) -> Path:
        return self.folder / "profile.json"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory"

    @property
    def secrets_file(self) -> Path:
        return self.folder / "secrets.yml"

    @property
    def secret_dates_file(self) -> Path:
        """Since when each secret has its value; no value."""
        return self.folder / "secret-dates.json"

    @property
    def rotation_file(self) -> Path:
        """Both sides of a rotation that is not finished (Ansible Vault)."""
        return self.folder / "rotation.yml"

    @property
    def vault_password_file(self) -> Path:
        return self.folder / "vault-password"

    @property
    def converged_file(self) -> Path:
        return self.folder / "converged.json"

    @property
    def releases_file(self) -> Path:
        """The releases that each service has had here."""
        return self.folder / "releases.json"

    @property
    def held_file(self) -> Path:
        """Services that are held on an older release."""
        return self.folder / "held.json"

    @property
    def node_file(self) -> Path:
        """How the Proxmox node is reached."""
        return self.folder / "node.json"

    @property
    def node_inventory(self) -> Path:
        return self.folder / "node-inventory"

    @property
    def node_converged_file(self) -> Path:
        """What the node was last brought to."""
        return self.folder / "node-converged.json"

    @property
    def driver_file(self) -> Path:
        """The NVIDIA driver that the last verified run left on the node."""
        return self.folder / "driver.json"

    @property
    def node_ca(self) -> Path:
        """The CA that a live node's API is known by."""
        return self.folder / "pve-root-ca.pem"

    @property
    def guest_key(self) -> Path:
        """The private key that lets provision into the guests it makes; the public half lies beside it."""
        return self.folder / "guest-key"

    @property
    def known_hosts(self) -> Path:
        """The guests' host keys, as their node told them."""
        return self.folder / "known_hosts"

    @property
    def lock_file(self) -> Path:
        return self.folder / "lock"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def receipts(self) -> Path:
        return self.folder / "receipts"

    @property
    def signing_key(self) -> Path:
        return self.folder / "signing-key.pem"

    @property
    def former_keys_file(self) -> Path:
        """Public keys that signed receipts here before, and until when."""
        return self.folder / "former-signing-keys.json"

    @property
    def ca_root(self) -> Path:
        return self.folder / "ca-root.crt"

    @property
    def credentials_file(self) -> Path:
        return self.folder / "credentials.txt"


def open_workspace(home: Path, client: str, target: str) -> Workspace:
    """The workspace with its folder made, readable by its owner alone. Raises SetupError if that is impossible."""
    workspace = Workspace(client_folder=home / "clients" / client, target=target)
    try:
        workspace.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        workspace.folder.chmod(0o700)
    except OSError as error:
        raise SetupError(
            f"the workspace of client '{client}' cannot be made: {error.strerror}",
            where=str(workspace.folder),
            hint="set PROVISION_HOME to a folder you may write to",
        ) from error
    return workspace


def new_run_id() -> str:
    """A run's name: sortable by time, unique."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") + "-" + secrets.token_hex(2)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file so that the old content survives any failure and nobody else ever reads it."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
