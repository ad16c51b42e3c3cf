"""A lab that is a Proxmox node: the guest that stands for it, and the API that its containers hang on."""

from __future__ import annotations

from ipaddress import IPv4Network

from provision.lab.lab import Progress, ensure_lab
from provision.lab.network import gateway_of
from provision.lab.places import api_home, guest_home, node_tree
from provision.lab.pve.facts import write_facts
from provision.lab.pve.node import write_node
from provision.lab.pve.process import ApiFiles, ensure_api, prepare_files
from provision.lab.records import recorded_spec
from provision.models.lab import NODE_NAME, LabGuest, LabHost, LabNode, LabSpec


def api_files(lab: str) -> ApiFiles:
    return ApiFiles(api_home(lab))


def ensure_node(lab: str, network: IPv4Network, node: LabNode, progress: Progress = lambda _: None) -> LabHost:
    """The node answers by ssh and its API by HTTPS; containers that it has already are left as they are.

    Raises what `ensure_lab` raises, and SetupError where the API does not come up.
    """
    former = recorded_spec(lab)
    same = former is not None and former.node is not None and former.network == network
    kept = tuple(guest for guest in former.guests if guest.name != NODE_NAME) if former and same else ()
    own = LabGuest(name=NODE_NAME, address=node.address)
    spec = LabSpec(name=lab, network=network, guests=(own, *kept), node=node)
    state = ensure_lab(spec, progress, only=NODE_NAME)
    files, root = api_files(lab), guest_home(lab, NODE_NAME) / "rootfs"
    prepare_files(lab, files, state.gateway, root)
    write_node(lab, node, files, state.gateway)
    if former is None or former.node != node or not node_tree(lab).exists():
        write_facts(lab, node)
    ensure_api(files, gateway_of(network))
    return next(host for host in state.hosts if host.name == NODE_NAME)
