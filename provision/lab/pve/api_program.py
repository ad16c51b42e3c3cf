# SPDX-License-Identifier: AGPL-3.0-or-later
"""The lab's Proxmox VE API: fakepve with permissions on, state on disk, and real guests behind its containers.

A program of its own with a licence of its own (fakepve is AGPL): it runs in its own process and its own environment,
talks to `provision` by HTTPS and by the hook's standard input, and nothing imports it.

Argument: a JSON file with host, port, node, certificate, key, password_file, state, requests, uploads, configs and
hook. Beyond the API, root's ticket may ask what is a command on a real node (`/lab/...`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import sys
import time
import urllib.parse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from fakepve.lxc import FakeCt
from fakepve.model import FakeVm, PveError, TaskError
from fakepve.server import USER, FakePve, ok

Body = Callable[[], Awaitable[str | None]]
ROOM = 10**13
"""Bytes free for disks; the lab's guests lie on this machine's disk, whatever their configuration says."""
_STOPPING = {"vzstop": "kill", "vzshutdown": "stop", "vzdestroy": "destroy"}
_OF_VM = {"qmstart": "start", "qmstop": "kill", "qmshutdown": "stop", "qmdestroy": "destroy"}
_CLOUD_INIT = ("ciuser", "cipassword", "ciupgrade", "nameserver", "searchdomain", "sshkeys")
_IMAGE_BYTES = 3 * 2**30
"""What the disk of Debian's cloud image has; the lab's stand-in is a file of some bytes."""


class LabPve(FakePve):  # type: ignore[misc]
    """fakepve whose guests start and stop for real, by the hook; what stands in for a VM is a container as well."""

    def __init__(self, settings: dict[str, Any]) -> None:
        password = Path(settings["password_file"]).read_text().strip()
        super().__init__("root@pam", password, settings["host"], settings["port"])
        self.settings = settings
        # Tasks run beside the request, as Proxmox's workers do; waits for a lock last 10 s.
        self.time_scale, self.lock_wait = 0.001, 10_000
        self.nodes = {settings["node"]: {"online": True}}
        self.storages["local-lvm"]["avail"] = ROOM
        self.storages["local"]["content"] = "iso,vztmpl,backup,import"
        self.roles: dict[str, list[str]] = {}
        self.grants: list[list[str]] = []
        self.keys: dict[str, str] = {}
        self.acl: dict[str, Any] = {}
        self._load()

    # ---------------------------------------------------------------- state

    def _load(self) -> None:
        path = Path(self.settings["state"])
        if not path.exists():
            return
        state = json.loads(path.read_text())
        self.roles, self.grants, self.apitokens = state["roles"], state["grants"], state["tokens"]
        self.keys = state["keys"]
        for name, store in state["volumes"].items():
            self.storages[name]["volumes"] = store
        for pool, members in state["pools"].items():
            self.pools[pool] = set()
            for vmid in members:
                self._pool_join(pool, vmid)
        for guest in state["guests"]:
            self.cts.append(FakeCt(**guest, defaults=False))
        for guest in state["vms"]:
            self.vms.append(FakeVm(**guest))
        self._sync_pools()
        self._enforce()

    def save(self) -> None:
        """Written beside its place and renamed: a kill leaves the old state or the new one."""
        fields = ("vmid", "node", "status", "config", "pending")
        state = {
            "roles": self.roles,
            "grants": self.grants,
            "tokens": self.apitokens,
            "keys": self.keys,
            "volumes": {name: store.get("volumes", {}) for name, store in self.storages.items()},
            "pools": {name: sorted(ids) for name, ids in self.pools.items()},
            "guests": [{field: getattr(ct, field) for field in fields} for ct in self.cts],
            "vms": [{field: getattr(vm, field) for field in (*fields, "name")} for vm in self.vms],
        }
        path = Path(self.settings["state"])
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(state, indent=1))
        fresh.rename(path)
        self._write_configs()

    def _write_configs(self) -> None:
        """/etc/pve/nodes/NODE/lxc and qemu-server of the lab's node, which the preflight reads there."""
        for kind, guests in (("lxc", self.cts), ("qemu", self.vms)):
            folder = Path(self.settings["configs"][kind])
            for stale in folder.glob("*.conf"):
                if not any(stale.stem == str(guest.vmid) for guest in guests):
                    stale.unlink()
            for guest in guests:
                text = "".join(f"{key}: {value}\n" for key, value in sorted(guest.config.items()))
                path = folder / f"{guest.vmid}.conf"
                if not path.exists() or path.read_text() != text:
                    path.write_text(text)

    def _enforce(self) -> None:
        """A token with privilege separation may do what both its user and itself were granted."""
        held: dict[str, dict[str, set[str]]] = {}
        for who, path, role in self.grants:
            held.setdefault(who, {}).setdefault(path, set()).update(self.roles.get(role, []))
        self.acl = {}
        for token in self.apitokens:
            users = held.get(token.split("!")[0], {})
            for path, privileges in held.get(token, {}).items():
                if both := privileges & users.get(path, set()):
                    self.grant(token, path, *both)

    # ---------------------------------------------------------------- guests

    async def _hook(self, verb: str, document: dict[str, Any]) -> str:
        """Let this machine follow; what the hook prints. What it says last on stderr is the task's error."""
        pipe = asyncio.subprocess.PIPE
        hook = await asyncio.create_subprocess_exec(*self.settings["hook"], verb, stdin=pipe, stdout=pipe, stderr=pipe)
        answer, said = await hook.communicate(json.dumps(document).encode())
        if hook.returncode:
            lines = said.decode(errors="replace").strip().splitlines() or [f"hook ended with {hook.returncode}"]
            raise TaskError(lines[-1])
        return answer.decode()

    def _document(self, ct: Any) -> dict[str, Any]:
        return {"id": ct.vmid, "config": ct.config, "keys": self.keys.get(str(ct.vmid), "")}

    async def _lxc_create(self, user: str, v: dict[str, Any]) -> Any:
        if v.get("tags"):
            # Asked without the pool, which the guest joins when it is made (pve-guest-common, GuestHelpers.pm).
            self.require(user, f"/vms/{int(v['vmid'])}", "VM.Config.Options")
        self.keys[str(int(v["vmid"]))] = str(v.get("ssh-public-keys") or "")
        return await super()._lxc_create(user, v)

    async def _start_steps(self, ct: Any, user: str, skiplock: bool = False) -> None:
        await super()._start_steps(ct, user, skiplock)
        ct.status = "stopped"
        await self._hook("start", self._document(ct))
        ct.status = "running"

    async def _ct_task(self, ct: Any, ttype: str, user: str, body: Body, **rest: Any) -> Any:
        async def followed() -> str | None:
            document = self._document(ct)
            note = await body()
            if ttype in _STOPPING:
                await self._hook(_STOPPING[ttype], document)
            return note

        return await super()._ct_task(ct, ttype, user, followed, **rest)

    async def task(self, node: str, ttype: str, tid: Any, user: str, body: Body, **rest: Any) -> Any:
        async def saved() -> str | None:
            try:
                return await (self._follow(ttype, rest["vm"], body) if ttype in _OF_VM else body())
            finally:
                self.save()

        return await super().task(node, ttype, tid, user, saved, **rest)

    # ---------------------------------------------------------------- VMs

    async def _follow(self, ttype: str, vm: Any, body: Body) -> str | None:
        """A VM's task, and the container that stands in for the VM after it."""
        document = self._vm_document(vm)
        note = await body()
        try:
            await self._hook(_OF_VM[ttype], document if ttype != "qmstart" else self._vm_document(vm))
        except TaskError:
            if ttype == "qmstart":
                vm.status = vm.qmpstatus = "stopped"
            raise
        return note

    def _vm_document(self, vm: Any) -> dict[str, Any]:
        """The VM as the hook knows a container: cloud-init's address and keys, no devices."""
        address = str(vm.config.get("ipconfig0", "")).split(",")[0]
        keys = urllib.parse.unquote(str(vm.config.get("sshkeys", ""))) + "\n"
        return {"id": vm.vmid, "config": {"hostname": vm.name, "net0": f"name=eth0,{address}"}, "keys": keys}

    def _config_priv(self, key: str) -> Any:
        """As qemu-server asks (API2/Qemu.pm, check_vm_modify_config_perm), where fakepve asks for VM.Config.HWType.

        `startup` asks for Sys.Modify on /, which no token of ours has: 'root' here.
        """
        if key in _CLOUD_INIT or key[:8] == "ipconfig":
            return "VM.Config.Network"
        return {"ostype": "VM.Config.Options", "startup": "root"}.get(key) or super()._config_priv(key)

    async def _config_get(self, request: Any) -> Any:
        """With what is pending, as Proxmox answers unless it is asked for `current` (API2/Qemu.pm, vm_config)."""
        vm = self._vm(request, "VM.Audit")
        config = {key: value for key, value in {**vm.config, **vm.pending}.items() if value is not None}
        return ok({**config, "memory": str(config.get("memory", "")), "digest": vm.digest()})

    def _qm_new_drive(self, vmid: int, key: str, value: str, default: Any) -> Any:
        """A disk made from an image ('import-from') has the image's size."""
        parts = str(value).split(",")
        image = next((part.partition("=")[2] for part in parts if part.startswith("import-from=")), None)
        if image is None:
            return super()._qm_new_drive(vmid, key, value, default)
        storage, _, name = image.partition(":")
        if name not in self.storages.get(storage, {}).get("volumes", {}):
            raise TaskError(f"volume '{image}' does not exist")
        gib = _IMAGE_BYTES // 2**30
        return super()._qm_new_drive(vmid, key, f"{parts[0].split(':')[0]}:{gib}", default)

    async def _qm_resize(self, v: dict[str, Any], user: str) -> Any:
        """PUT .../resize, which fakepve has for containers alone."""
        vm = self.find(v["node"], v["vmid"])
        self.require(user, f"/vms/{vm.vmid}", "VM.Config.Disk")

        async def body() -> None:
            disk = str(v["disk"])
            volume = vm.config[disk].split(",")[0]
            vm.config[disk] = f"{volume},size={v['size']}"

        return await self.task(vm.node, "resize", vm.vmid, user, body, vm=vm)

    def _routes_qemu(self) -> Any:
        return [*super()._routes_qemu(), ("PUT", "/nodes/{node}/qemu/{vmid}/resize", self._qm_resize)]

    # ---------------------------------------------------------------- uploads

    async def _upload(self, request: Any) -> Any:
        fields = _form_fields(await request.read(), request.headers.get("Content-Type", ""))
        if fields.get("content") == b"import":
            return await self._upload_image(request, fields)
        answer = await super()._upload(request)
        given = {name: value.decode() for name, value in fields.items() if name != "data"}
        if _differs(given, fields["data"]):
            self.storages[request.match_info["storage"]].get("volumes", {}).pop(f"vztmpl/{given['filename']}", None)
            raise PveError(500, "checksum mismatch")
        (Path(self.settings["uploads"]["vztmpl"]) / given["filename"]).write_bytes(fields["data"])
        return answer

    async def _upload_image(self, request: Any, fields: dict[str, bytes]) -> Any:
        """Content 'import', which fakepve's upload does not know (pve-storage, API2/Storage/Status.pm, upload)."""
        name, user = request.match_info["storage"], request[USER]
        self.require(user, f"/storage/{name}", "Datastore.AllocateTemplate")
        given = {key: value.decode() for key, value in fields.items() if key != "data"}
        if "import" not in self.storages[name]["content"].split(","):
            raise PveError(500, f"storage '{name}' does not support 'import' content")
        if not given["filename"].endswith((".qcow2", ".raw", ".vmdk", ".ova")):
            raise PveError(400, "invalid filename or wrong extension")
        if _differs(given, fields["data"]):
            raise PveError(500, "checksum mismatch")

        async def body() -> None:
            (Path(self.settings["uploads"]["import"]) / given["filename"]).write_bytes(fields["data"])
            volume = {"content": "import", "format": "qcow2", "size": len(fields["data"]), "ctime": int(time.time())}
            self.storages[name].setdefault("volumes", {})[f"import/{given['filename']}"] = volume

        return ok(await self.task(request.match_info["node"], "imgcopy", "", user, body))

    # ---------------------------------------------------------------- requests

    @web.middleware  # type: ignore[untyped-decorator]
    async def _middleware(self, request: Any, handler: Any) -> Any:
        response = await super()._middleware(request, handler)
        line = {"at": time.time(), "user": request.get(USER), "method": request.method, "path": request.path}
        with Path(self.settings["requests"]).open("a") as log:
            log.write(json.dumps({**line, "status": response.status}) + "\n")
        return response

    async def _answer(self, request: Any, handler: Any, generic: Any, path_node: Any) -> Any:
        response = await super()._answer(request, handler, generic, path_node)
        if request.method != "GET":
            self.save()
        return response

    # ---------------------------------------------------------------- what root does on a node

    def _build_app(self) -> Any:
        app = super()._build_app()
        for name in ("pveum", "devices", "exec", "fail", "guest"):
            app.router.add_post(f"/lab/{name}", getattr(self, f"_lab_{name}"))
        return app

    async def _asked_by_root(self, request: Any) -> Any:
        if request[USER] != "root@pam":
            raise PveError(403, "only root@pam's ticket, which is root on the node")
        return await request.json()

    async def _lab_pveum(self, request: Any) -> Any:
        """One step of pveum, already parsed: role, acl or token."""
        step = await self._asked_by_root(request)
        answer: dict[str, str] = {}
        if step["what"] == "role":
            if step.get("new") and step["role"] in self.roles:
                raise PveError(500, f"role '{step['role']}' already exists")
            self.roles[step["role"]] = step["privileges"]
        elif step["what"] == "acl" and "!" in step["who"] and step["who"] not in self.apitokens:
            raise PveError(400, f"no such token '{step['who']}'")
        elif step["what"] == "acl" and [step["who"], step["path"], step["role"]] not in self.grants:
            self.grants.append([step["who"], step["path"], step["role"]])
        elif step["what"] == "token":
            if step["token"] in self.apitokens:
                raise PveError(400, "Token already exists.")
            self.apitokens[step["token"]] = str(secrets.SystemRandom().getrandbits(128))
            answer = {"full-tokenid": step["token"], "value": self.apitokens[step["token"]]}
        elif step["what"] == "remove-token":
            self.apitokens.pop(step["token"], None)
            self.grants = [grant for grant in self.grants if grant[0] != step["token"]]
        self._enforce()
        return ok(answer)

    async def _lab_devices(self, request: Any) -> Any:
        """nvidia-modprobe: device nodes appear in the node's /dev."""
        return await self._by_hook("devices", await self._asked_by_root(request))

    async def _lab_exec(self, request: Any) -> Any:
        """pct exec of the one command that provision runs so."""
        asked = await self._asked_by_root(request)
        return await self._by_hook("hostkey", self._document(self._find_ct(self.settings["node"], asked["vmid"])))

    async def _by_hook(self, verb: str, document: dict[str, Any]) -> Any:
        try:
            return ok(await self._hook(verb, document))
        except TaskError as error:
            raise PveError(500, str(error)) from error

    async def _lab_fail(self, request: Any) -> Any:
        """Injected faults: how the API answers from now on (fakepve's own `fail`, network and storage)."""
        fault = await self._asked_by_root(request)
        self.failures: dict[Any, Any] = {}
        self.network["hang_rate"], self.network["hang_secs"] = fault.get("hang", 0), 120_000
        self.storages["local-lvm"]["avail"] = fault.get("free_bytes", ROOM)
        for rule in fault.get("rules", []):
            self.fail(**rule)
        return ok()

    async def _lab_guest(self, request: Any) -> Any:
        """A foreign guest, or a lock: what others leave on a node."""
        asked = await self._asked_by_root(request)
        ct = next((ct for ct in self.cts if ct.vmid == asked["vmid"]), None)
        if ct is None:
            ct = self.add_ct(asked["vmid"], node=self.settings["node"], config=asked.get("config", {}))
        self.save()
        ct.lock = asked.get("lock")
        return ok()


def _form_fields(body: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of a multipart form by name; the file is 'data', its name 'filename'."""
    fields: dict[str, bytes] = {}
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part[2:-2].partition(b"\r\n\r\n")
        disposition = head.decode(errors="replace").split("\r\n")[0]
        if file := re.search(r'filename="([^"]*)"', disposition):
            fields["filename"], fields["data"] = file[1].encode(), content
        elif name := re.search(r'name="([^"]*)"', disposition):
            fields[name[1]] = content
    return fields


def _differs(given: dict[str, str], content: bytes) -> bool:
    algorithm = given.get("checksum-algorithm")
    return algorithm is not None and hashlib.new(algorithm, content).hexdigest() != given.get("checksum")


async def serve(settings: dict[str, Any]) -> None:
    pve = LabPve(settings)
    await pve.start(settings["certificate"], settings["key"])
    pve.save()
    print(f"listening on {pve.url}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
