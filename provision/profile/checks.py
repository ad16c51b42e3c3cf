"""What no single field shows: names, addresses, services and ports against each other.

They read the tree, not the validated profile, so that they find their faults beside those of the schema. What needs
the catalogue or is a matter of space (a model too large, a service on no machine) is the planner's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from provision.errors import ProfileError, ProvisionError
from provision.models.profile import Access
from provision.profile.tree import Node, Path, find_nearest, find_value, write_path
from provision.profile.wording import describe

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
_SSH_PORT = 22
_ORDER = ("built-in", "file", "client", "--set")

Problems = list[ProvisionError]


def check_tree(root: Node, problems: Problems) -> None:
    """Add every fault found to `problems`."""
    checks = (
        _check_names,
        _check_network,
        _check_addresses,
        _check_services,
        _check_cards,
        _check_ports,
        _check_classes,
    )
    for check in checks:
        check(root, problems)


def _check_names(root: Node, problems: Problems) -> None:
    for group in (("machines",), ("workload", "models")):
        paths = [(*group, index, "name") for index in range(_count(root, *group))]
        _complain_twice(root, paths, problems, "give each its own name")


def _check_network(root: Node, problems: Problems) -> None:
    network = _find_network(root)
    if network is None:
        return
    # A server of its own keeps the network that it really has, which may be a provider's public one.
    own = find_value(root, "platform", "kind") != "host"
    if own and not any(network.subnet_of(private) for private in _PRIVATE):
        fault, hint = "which is not a private network", "take one from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
    elif not 16 <= network.prefixlen <= (28 if own else 30):
        fault, hint = "which is not of a size that fits a stack", "take a prefix from /16 to /28, usually /24"
    else:
        return
    problems.append(_complain(root, ("network", "cidr"), f"'{network}', {fault}", hint))


def _check_addresses(root: Node, problems: Problems) -> None:
    paths = [("machines", index, "address") for index in range(_count(root, "machines"))]
    _complain_twice(root, paths, problems, "give each machine its own address")
    network = _find_network(root)
    if network is None:
        return
    last = network.num_addresses - 2
    for path, address in _numbers(root, paths):
        if address > last:
            hint = f"write 2 to {last}: 1 is the gateway, {last + 1} the broadcast address"
            fault = f"{address}, which is outside {network}"
            problems.append(_complain(root, path, fault, hint, also=("network", "cidr")))


def _check_services(root: Node, problems: Problems) -> None:
    paths = [
        ("machines", machine, "services", index)
        for machine in range(_count(root, "machines"))
        for index in range(_count(root, "machines", machine, "services"))
    ]
    _complain_twice(root, paths, problems, "place each service on one machine")


def _check_cards(root: Node, problems: Problems) -> None:
    cards = _count_cards(root)
    for model in range(_count(root, "workload", "models")):
        group = ("workload", "models", model, "gpus")
        paths: list[Path] = [(*group, index) for index in range(_count(root, *group))]
        _complain_twice(root, paths, problems, "name each card once")
        for path, card in _numbers(root, paths):
            if cards is not None and card >= cards:
                hint = f"write 0 to {cards - 1}" if cards else "leave `gpus` out: hardware.gpus names no card"
                problems.append(_complain(root, path, f"{card}, and there is no such card", hint))


def _check_ports(root: Node, problems: Problems) -> None:
    first: dict[int, str] = {}
    for name in Access.model_fields:
        port = _read_port(root, name)
        if not isinstance(port, int):
            continue
        if port in first:
            fault = f"{port}, as access.{first[port]} is already"
            problems.append(_complain(root, ("access", name), fault, "give each its own port"))
        first.setdefault(port, name)
        if port == _SSH_PORT:
            fault, hint = "22, which is the port of ssh", "take another port, usually 443 or 8443"
            problems.append(_complain(root, ("access", name), fault, hint))


def _check_classes(root: Node, problems: Problems) -> None:
    group = ("workflows", "document_classes")
    _complain_twice(root, [(*group, index) for index in range(_count(root, *group))], problems, "name each class once")


def _read_port(root: Node, name: str) -> object:
    """The port, or the schema's own where the profile does not say one."""
    said = find_value(root, "access", name)
    return Access.model_fields[name].default if said is None else said


def _complain_twice(root: Node, paths: Sequence[Path], problems: Problems, hint: str) -> None:
    """One problem for each value that an earlier path has already."""
    first: dict[str | int, Path] = {}
    for path in paths:
        value = find_value(root, *path)
        if isinstance(value, bool) or not isinstance(value, str | int):
            continue
        if value in first:
            fault = f"{describe(value)}, as {write_path(first[value])} is already"
            problems.append(_complain(root, path, fault, hint, also=first[value]))
        first.setdefault(value, path)


def _complain(root: Node, path: Path, fault: str, hint: str, *, also: Path | None = None) -> ProfileError:
    """`also` is the other value in a conflict: the error points at the one that the higher layer says."""
    sources = [find_nearest(root, place).source for place in (path, also) if place is not None]
    newest = max(sources, key=lambda source: _ORDER.index(source.layer))
    return ProfileError(f"{write_path(path)} is {fault}", where=newest.place, hint=hint)


def _numbers(root: Node, paths: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        value = find_value(root, *path)
        if isinstance(value, int) and not isinstance(value, bool):
            yield path, value


def _count(root: Node, *path: str | int) -> int:
    value = find_value(root, *path)
    return len(value) if isinstance(value, tuple) else 0


def _count_cards(root: Node) -> int | None:
    """The number of cards of all groups; None where a group does not say it properly."""
    total = 0
    if not isinstance(find_value(root, "hardware"), Mapping):
        return None
    if not isinstance(find_value(root, "hardware", "gpus"), tuple | None):
        return None
    for index in range(_count(root, "hardware", "gpus")):
        count = find_value(root, "hardware", "gpus", index, "count")
        count = 1 if count is None else count
        if not isinstance(count, int) or not 1 <= count <= 16:
            return None
        total += count
    return total


def _find_network(root: Node) -> IPv4Network | None:
    text = find_value(root, "network", "cidr")
    try:
        return IPv4Network(text) if isinstance(text, str) else IPv4Network("10.42.0.0/24")
    except (AddressValueError, NetmaskValueError, ValueError):
        return None
