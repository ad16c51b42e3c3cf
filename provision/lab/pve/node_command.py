#!/usr/bin/python3
"""Stand-ins for the commands of a Proxmox node, on the lab's node: one program, called by the name of each command.

pct, pvesh, pvesm, pveam and pveum ask the lab's API with root's ticket, as root does on a real node. What only a
kernel with NVIDIA's driver could answer is read from /opt/lab-node/answers. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

HOME = Path("/etc/pve")
ANSWERS = Path("/opt/lab-node/answers")
NODE = "pve"
TIMEOUT_S = 60
LAST = 99_999


def fail(text: str, code: int = 255) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(code)


class Api:
    """The API as root@pam, by ticket."""

    def __init__(self) -> None:
        self.url = (HOME / "lab-api-url").read_text().strip()
        self.context = ssl.create_default_context(cafile=str(HOME / "pve-root-ca.pem"))
        password = (HOME / "priv" / "lab-root-password").read_text().strip()
        self.headers: dict[str, str] = {}
        given = self.ask("POST", "/api2/json/access/ticket", {"username": "root@pam", "password": password})
        self.headers = {
            "Cookie": f"PVEAuthCookie={given['ticket']}",
            "CSRFPreventionToken": given["CSRFPreventionToken"],
        }

    def ask(self, method: str, path: str, values: dict[str, Any] | None = None, *, as_json: bool = False) -> Any:
        headers, body = dict(self.headers), None
        if values is not None and method == "GET":
            path += "?" + urllib.parse.urlencode(values)
        elif values is not None:
            body = json.dumps(values).encode() if as_json else urllib.parse.urlencode(values).encode()
            headers["Content-Type"] = "application/json" if as_json else "application/x-www-form-urlencoded"
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self.context) as answer:  # noqa: S310
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            told = json.loads(error.read() or b"{}")
            fail(f"{told.get('message', error.reason)} {json.dumps(told.get('errors', ''))}".strip())

    def lab(self, what: str, values: dict[str, Any]) -> Any:
        return self.ask("POST", f"/lab/{what}", values, as_json=True)


def options(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Words, and the options among them; both kinds of dashes, as Proxmox takes them."""
    plain: list[str] = []
    named: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*plain, *rest], named
        if word.startswith("-"):
            named[word.lstrip("-")] = rest.pop(0)
        else:
            plain.append(word)
    return plain, named


def pct(words: list[str]) -> None:
    plain, named = options(words)
    verb, vmid = plain[0], int(plain[1])
    path = f"/api2/json/nodes/{NODE}/lxc/{vmid}/config"
    if verb == "config":
        config = Api().ask("GET", path)
        for key in sorted(config):
            if key != "digest":
                print(f"{key}: {config[key]}")
    elif verb == "set":
        Api().ask("PUT", path, named)
    elif verb == "unlock":
        Api().lab("guest", {"vmid": vmid, "lock": None})
    elif verb == "exec" and plain[2:] == ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]:
        print(Api().lab("exec", {"vmid": vmid}), end="")
    else:
        fail(f"the lab's pct has no '{' '.join(words)}'")


def qm(words: list[str]) -> None:
    if words[0] != "unlock":
        fail(f"the lab's qm has no '{' '.join(words)}'")
    Api().lab("guest", {"vmid": int(words[1]), "lock": None})


def pvesh(words: list[str]) -> None:
    plain, named = options(words)
    named.pop("output-format", None)
    if plain == ["create", "/nodes/localhost/startall"]:
        start_all()
        return
    if plain[0] != "get":
        fail(f"the lab's pvesh has no '{' '.join(words)}'")
    if plain[1].endswith("/subscription"):
        print(json.dumps({"status": "notfound"}))
        return
    print(json.dumps(Api().ask("GET", "/api2/json" + plain[1].replace("/localhost/", f"/{NODE}/"), named)))


def start_all() -> None:
    """Guests with onboot, in the order of their startup option, those without one last (pve-manager, API2/Nodes.pm,
    get_start_stop_list); one that fails keeps none of the others back."""
    api, found = Api(), list[tuple[int, int, str]]()
    for kind in ("lxc", "qemu"):
        path = f"/api2/json/nodes/{NODE}/{kind}"
        for guest in api.ask("GET", path):
            config = api.ask("GET", f"{path}/{guest['vmid']}/config")
            order = re.search(r"order=([0-9]+)", str(config.get("startup", "")))
            if config.get("onboot") and guest["status"] != "running":
                found.append((int(order[1]) if order else LAST, int(guest["vmid"]), path))
    for _, vmid, path in sorted(found):
        task = api.ask("POST", f"{path}/{vmid}/status/start", {})
        while (state := api.ask("GET", f"/api2/json/nodes/{NODE}/tasks/{task}/status"))["status"] == "running":
            time.sleep(0.1)
        print(f"guest {vmid}: {state['exitstatus']}")


def pvesm(words: list[str]) -> None:
    plain, named = options(words)
    if plain != ["status"]:
        fail(f"the lab's pvesm has no '{' '.join(words)}'")
    print("Name Type Status Total Used Available %")
    for row in Api().ask("GET", f"/api2/json/nodes/{NODE}/storage"):
        if "content" not in named or named["content"] in row["content"].split(","):
            sizes = [str(row.get(key, 0) // 1024) for key in ("total", "used", "avail")]
            print(row["storage"], row["type"], "active" if row.get("active") else "inactive", *sizes, "0.00%")


def pveam(words: list[str]) -> None:
    if words[0] != "list":
        fail(f"the lab's pveam has no '{words[0]}'")
    print("NAME SIZE")
    for row in Api().ask("GET", f"/api2/json/nodes/{NODE}/storage/{words[1]}/content", {"content": "vztmpl"}):
        print(row["volid"], f"{row['size'] / 2**20:.2f}MB")


def pveum(words: list[str]) -> None:
    plain, named = options(words)
    api, verb = Api(), plain[:2]
    if verb == ["pool", "add"]:
        api.ask("POST", "/api2/json/pools", {"poolid": plain[2]})
    elif verb[0] == "role":
        step = {"what": "role", "role": plain[2], "new": plain[1] == "add"}
        api.lab("pveum", {**step, "privileges": re.split(r"[ ,]+", named["privs"])})
    elif verb == ["acl", "modify"]:
        for who in filter(None, (named.get("users"), named.get("tokens"))):
            api.lab("pveum", {"what": "acl", "who": who, "path": plain[2], "role": named["roles"]})
    elif plain[:3] == ["user", "token", "add"]:
        print(json.dumps(api.lab("pveum", {"what": "token", "token": f"{plain[3]}!{plain[4]}"})))
    elif plain[:3] == ["user", "token", "remove"]:
        api.lab("pveum", {"what": "remove-token", "token": f"{plain[3]}!{plain[4]}"})
    elif verb != ["user", "add"]:
        fail(f"the lab's pveum has no '{' '.join(words)}'")


def nvidia_modprobe(words: list[str]) -> None:
    """Without options the cards and nvidiactl, -m nvidia-modeset, -u nvidia-uvm and -uvm-tools (domain.md A3.1)."""
    names = [f"nvidia{number}" for number in range(16)] + ["nvidiactl"]
    names = ["nvidia-modeset"] if "-m" in words else ["nvidia-uvm", "nvidia-uvm-tools"] if "-u" in words else names
    Api().lab("devices", {"nodes": names})


def nvidia_persistenced(_: list[str]) -> None:
    """A process that stays, as the daemon does."""
    home = Path("/run/nvidia-persistenced")
    home.mkdir(exist_ok=True)
    child = os.fork()
    if child:
        (home / "nvidia-persistenced.pid").write_text(str(child))
        return
    signal.pause()


def tell(command: str) -> None:
    """What the lab's node was made to answer; the exit code is on the first line."""
    path = ANSWERS / command
    if not path.exists():
        return
    code, _, text = path.read_text().partition("\n")
    print(text, end="")
    sys.exit(int(code))


COMMANDS = {
    "pct": pct,
    "qm": qm,
    "pvesh": pvesh,
    "pvesm": pvesm,
    "pveam": pveam,
    "pveum": pveum,
    "nvidia-modprobe": nvidia_modprobe,
    "nvidia-persistenced": nvidia_persistenced,
}

if __name__ == "__main__":
    name = Path(sys.argv[0]).name
    if name in COMMANDS:
        COMMANDS[name](sys.argv[1:])
    else:
        tell(name)
