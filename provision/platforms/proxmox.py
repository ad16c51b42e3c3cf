"""The API of a Proxmox node, asked with a token of few privileges. The only importer of proxmoxer.

Every failure is told in three lines: what was asked, what Proxmox said, what to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import requests
from proxmoxer import ProxmoxAPI
from proxmoxer.core import AuthenticationError, ResourceException

from provision.errors import ProvisionError, RunError, SetupError, UnreachableError
from provision.models.guests import Guest, GuestKind, GuestState
from provision.platforms.guests import split_tags
from provision.platforms.privileges import USER

PORT = 8006
TIMEOUT_S = 30
TASK_LIMIT_S = 600
POLL_S = 0.1


Content = Literal["vztmpl", "import"]
"""Kinds of files on a storage: container templates, and images that disks of VMs are made from."""
_KINDS: tuple[GuestKind, ...] = ("lxc", "qemu")


class Addressed(Protocol):
    """What the API knows a guest by."""

    @property
    def kind(self) -> GuestKind: ...
    @property
    def id(self) -> int: ...


class ProxmoxNode:
    """One node's guests. Paths are those of the API viewer (pve-docs, api-viewer)."""

    def __init__(self, host: str, node: str, token_name: str, secret: str, ca_file: Path, timeout: float = TIMEOUT_S):
        self.host, self.node = host, node
        self._timeout = timeout
        # A token is sent with every request; making the client asks nothing.
        self._api = ProxmoxAPI(
            host,
            port=PORT,
            user=USER,
            token_name=token_name,
            token_value=secret,
            verify_ssl=str(ca_file),
            timeout=timeout,
        )

    def permissions(self) -> Mapping[str, Mapping[str, object]]:
        """What the token may do: path -> privilege -> whether it is handed down."""
        with self._told("read the token's permissions"):
            found: dict[str, dict[str, object]] = self._api.access.permissions.get()
            return found

    def is_known(self) -> bool:
        """Whether the node knows the token at all."""
        try:
            self._api.version.get()
        except ResourceException as error:
            return bool(error.status_code != 401)
        return True

    def guests(self) -> tuple[GuestState, ...]:
        """Every container and VM that the token may see on this node."""
        with self._told("list the guests"):
            node = self._api.nodes(self.node)
            rows = [(kind, row) for kind in _KINDS for row in getattr(node, kind).get()]
        return tuple(
            GuestState(
                kind=kind,
                id=int(row["vmid"]),
                name=str(row.get("name", "")),
                status=str(row["status"]),
                tags=split_tags(row.get("tags")),
                lock=row.get("lock"),
            )
            for kind, row in sorted(rows, key=lambda found: int(found[1]["vmid"]))
        )

    def config(self, guest: Addressed) -> Mapping[str, object]:
        """The configuration with what is pending."""
        with self._told(f"read the configuration of guest {guest.id}"):
            found: dict[str, object] = self._guest(guest).config.get()
            return found

    def has_pending(self, guest: Addressed) -> bool:
        """Whether something waits for the next start."""
        with self._told(f"read what is pending for guest {guest.id}"):
            return any("pending" in row or "delete" in row for row in self._guest(guest).pending.get())

    def create(self, guest: Guest, parameters: Mapping[str, str]) -> None:
        make = getattr(self._api.nodes(self.node), guest.kind)
        self._do(f"create guest {guest.id} '{guest.name}'", lambda: make.post(**parameters))

    def update(self, guest: Addressed, options: Mapping[str, str]) -> None:
        with self._told(f"change guest {guest.id}"):
            self._guest(guest).config.put(**options)

    def grow(self, guest: Addressed, disk: str, gib: int) -> None:
        self._do(f"grow {disk} of guest {guest.id}", lambda: self._guest(guest).resize.put(disk=disk, size=f"{gib}G"))

    def start(self, guest: Addressed) -> None:
        self._do(f"start guest {guest.id}", lambda: self._guest(guest).status.start.post())

    def shut_down(self, guest: Addressed, grace_s: int = 60) -> None:
        """Politely, and by force after `grace_s` seconds."""
        shut = self._guest(guest).status.shutdown
        self._do(f"shut guest {guest.id} down", lambda: shut.post(timeout=grace_s, forceStop=1))

    def stop(self, guest: Addressed) -> None:
        """At once, as by pulling the plug."""
        self._do(f"stop guest {guest.id}", lambda: self._guest(guest).status.stop.post())

    def destroy(self, guest: Addressed) -> None:
        """With its disks; it must be stopped."""
        self._do(f"destroy guest {guest.id}", lambda: self._guest(guest).delete(purge=1))

    def volumes(self, storage: str, content: Content) -> tuple[str, ...]:
        """Volume ids of container templates, or of images for VMs."""
        with self._told(f"list what is on {storage}"):
            rows = self._api.nodes(self.node).storage(storage).content.get(content=content)
            return tuple(sorted(str(row["volid"]) for row in rows))

    def upload(self, storage: str, content: Content, file: Path, algorithm: str, checksum: str) -> None:
        """The node compares the checksum before it takes the file."""
        with file.open("rb") as stream:
            given = {"content": content, "checksum-algorithm": algorithm, "checksum": checksum, "filename": stream}
            self._do(f"upload {file.name}", lambda: self._api.nodes(self.node).storage(storage).upload.post(**given))

    def _guest(self, guest: Addressed) -> Any:
        return getattr(self._api.nodes(self.node), guest.kind)(guest.id)

    def _do(self, what: str, ask: Callable[[], Any]) -> None:
        """Start a task and wait for its end. Raises RunError with the task's own error."""
        with self._told(what):
            task = ask()
            deadline = time.monotonic() + TASK_LIMIT_S
            while (status := self._api.nodes(self.node).tasks(task).status.get())["status"] == "running":
                if time.monotonic() > deadline:
                    raise RunError(
                        f"Proxmox did not {what} within {TASK_LIMIT_S} s",
                        where=f"task {task}",
                        hint="look at the task's log on the node; run again when it has ended",
                    )
                time.sleep(POLL_S)
            ended = str(status.get("exitstatus", ""))
            if ended != "OK" and not ended.startswith("WARNINGS"):
                raise explain_task(what, ended, f"task {task}")

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        where = f"https://{self.host}:{PORT}, node {self.node}"
        try:
            yield
        except ResourceException as error:
            raise _explain(what, where, error) from error
        except AuthenticationError as error:
            raise SetupError(
                f"cannot {what}: {error}", where=where, hint="provision token makes a new token"
            ) from error
        except requests.exceptions.SSLError as error:
            raise SetupError(
                f"cannot {what}: the node's certificate is not the one that is known",
                where=where,
                hint="provision up fetches its CA by ssh; if it stays so, pveproxy has a certificate of somebody else",
            ) from error
        except requests.exceptions.Timeout as error:
            raise UnreachableError(
                f"cannot {what}: the API did not answer within {self._timeout:g} s",
                where=where,
                hint="is the node busy or its storage hung? run again: it goes on where it stopped",
            ) from error
        except requests.exceptions.ConnectionError as error:
            raise UnreachableError(
                f"cannot {what}: the API cannot be reached",
                where=where,
                hint="does pveproxy run on the node, and does a firewall let this machine through to port 8006?",
            ) from error


def explain_task(what: str, ended: str, where: str) -> ProvisionError:
    """A task's error with the next step where it is a known one."""
    hints = {
        "Device /dev/nvidia": "on the node: systemctl restart provision-nvidia-devices, which makes the device nodes",
        "is locked": "another task is at work on it, or was killed: provision doctor names it and what to do",
        "No space left": "make room on the storage, or name another one (platform.guests.storage)",
    }
    hint = next((text for words, text in hints.items() if words in ended), "look at the task's log on the node")
    return RunError(f"Proxmox could not {what}: {ended}", where=where, hint=hint)


def _explain(what: str, where: str, error: ResourceException) -> ProvisionError:
    said = " ".join(str(error.content or error.status_message).split()).removesuffix(".")
    fields = "; ".join(f"{name}: {why}" for name, why in (error.errors or {}).items()) if error.errors else ""
    text = f"cannot {what}: {said}" + (f" ({fields})" if fields else "")
    if error.status_code == 401:
        return SetupError(text, where=where, hint="the token is gone or has expired: provision token makes a new one")
    if error.status_code == 403:
        return SetupError(text, where=where, hint="the token lacks that privilege: docs/privileges.md, provision token")
    if error.status_code in (595, 596, 599):
        return UnreachableError(text, where=where, hint="the node does not answer its cluster: is it running?")
    return explain_refusal(text, where)


def explain_refusal(text: str, where: str) -> ProvisionError:
    """A request that Proxmox refused outright."""
    hints = {
        "already exists": "the id is taken by a guest that is not ours; others: --set platform.guests.first_id=N",
        "is locked": "another task is at work on it, or was killed: provision doctor names it and what to do",
        "not enough": "make room on the storage, or name another one (platform.guests.storage)",
    }
    hint = next((advice for words, advice in hints.items() if words in text), "look at the task list of the node")
    return RunError(text, where=where, hint=hint)
