"""What of the plan arrives at which machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from typing import Any

from provision.inventory import build_inventory, required_secrets
from provision.models.inventory import Bundle, Connection, InventoryInput, SecretReference
from provision.models.plan import Plan

PlanOf = Callable[..., Plan]


def find_references(value: Any) -> Iterator[str]:
    if isinstance(value, SecretReference):
        yield value.name
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from find_references(item)


def test_every_reference_is_a_required_secret_and_none_is_superfluous(plan_of: PlanOf) -> None:
    for lab in (False, True):
        plan = plan_of(lab=lab)
        needed = required_secrets(plan)
        used = set(find_references(build_inventory(plan, InventoryInput()).host_vars))
        hashed = {kind.removeprefix("bcrypt-of:") for kind in needed.values() if kind.startswith("bcrypt-of:")}
        assert used | hashed == set(needed)
        assert {kind.partition(":")[0] for kind in needed.values()} <= {"password", "token", "hex32", "bcrypt-of"}
        assert hashed <= set(needed)


def test_each_model_has_a_key_of_its_own(plan_of: PlanOf) -> None:
    plan = plan_of("cpu-small")
    engines = tuple(plan.engines[0].model_copy(update={"name": name}) for name in ("chat", "code-small"))
    needed = required_secrets(plan.model_copy(update={"engines": engines}))
    assert {"llama_cpp_api_key_chat", "llama_cpp_api_key_code_small"} <= set(needed)


def test_firewall_follows_the_flows(plan_of: PlanOf) -> None:
    hosts = build_inventory(plan_of(lab=True), InventoryInput()).host_vars
    observe = ("10.42.0.14/32",)
    opened = {
        name: {(rule["port"], tuple(rule["sources"])) for rule in variables["base_inbound"]}
        for name, variables in hosts.items()
    }
    assert opened == {
        "engine": {(8081, ("10.42.0.10/32",)), (8081, observe), (9100, observe), (9835, observe)},
        "data": {(5432, ("10.42.0.13/32",)), (6333, ("10.42.0.13/32",)), (9100, observe)},
        "apps": {(8080, ("10.42.0.10/32",)), (5678, ("10.42.0.10/32",)), (9100, observe)},
        "gateway": {(port, ("0.0.0.0/0",)) for port in (443, 8443, 9443, 9445)}
        | {(8300, ("10.42.0.13/32",)), (8300, observe), (9100, observe), (9180, observe)},
        "observe": {(3000, ("10.42.0.10/32",))},
    }
    outgoing = {
        (name, rule["port"], tuple(rule["destinations"]))
        for name, variables in hosts.items()
        for rule in variables["base_outbound"]
    }
    assert outgoing == {
        ("apps", 5432, ("10.42.0.12/32",)),
        ("apps", 6333, ("10.42.0.12/32",)),
        ("apps", 8300, ("10.42.0.10/32",)),
        ("gateway", 8081, ("10.42.0.11/32",)),
        ("gateway", 8080, ("10.42.0.13/32",)),
        ("gateway", 5678, ("10.42.0.13/32",)),
        ("gateway", 3000, ("10.42.0.14/32",)),
        ("observe", 8081, ("10.42.0.11/32",)),
        ("observe", 9835, ("10.42.0.11/32",)),
        ("observe", 8300, ("10.42.0.10/32",)),
        ("observe", 9180, ("10.42.0.10/32",)),
        *(("observe", 9100, (f"10.42.0.{machine}/32",)) for machine in (10, 11, 12, 13)),
    }


def test_ssh_is_for_administrators_and_the_controller(plan_of: PlanOf) -> None:
    def networks(plan: Plan, *controllers: str) -> Any:
        given = InventoryInput(controllers=tuple(IPv4Address(address) for address in controllers))
        return build_inventory(plan, given).all_vars["base_admin_networks"]

    named = "network.admin_networks=[192.168.7.0/24]"
    assert networks(plan_of(lab=True)) == ["10.42.0.1/32"]
    assert networks(plan_of("sme-2x4090", named, lab=True)) == ["192.168.7.0/24", "10.42.0.1/32"]
    assert networks(plan_of("sme-2x4090", named), "172.16.0.9") == ["192.168.7.0/24", "172.16.0.9/32"]
    assert networks(plan_of()) == ["0.0.0.0/0"]


def test_one_machine_talks_to_itself_over_loopback(plan_of: PlanOf) -> None:
    host = build_inventory(plan_of("hetzner-rtx6000"), InventoryInput()).host_vars["host"]
    assert host["postgresql_listen_address"] == ""
    assert {client for database in host["postgresql_databases"] for client in database["clients"]} == {"127.0.0.1/32"}
    assert host["n8n_database"]["host"] == host["open_webui_database"]["host"] == "127.0.0.1"
    assert host["base_outbound"] == []
    assert host["base_time_sync"] is True


def test_cards_are_named_by_uuid_where_it_is_known(plan_of: PlanOf) -> None:
    live, lab = (build_inventory(plan_of(lab=lab), InventoryInput()).host_vars["engine"] for lab in (False, True))
    assert live["llama_cpp_instances"][0]["cuda_visible_devices"] == "0,1"
    assert "llama_cpp_context_checkpoints" not in live
    assert lab["llama_cpp_context_checkpoints"] == 0
    assert live["llama_cpp_build_environment"] == {"GGML_CUDA": "ON"}
    assert live["llama_cpp_release_id"].endswith("-cuda")
    uuids = lab["llama_cpp_instances"][0]["cuda_visible_devices"].split(",")
    assert [uuid[:4] for uuid in uuids] == ["GPU-", "GPU-"]
    assert lab["llama_cpp_build_environment"] == {}
    assert not lab["llama_cpp_release_id"].endswith("-cuda")


def test_bundles_are_found_by_release(plan_of: PlanOf) -> None:
    plan = plan_of("cpu-small", lab=True)
    release = next(service.release for service in plan.services if service.name == "n8n")
    bundle = Bundle(release=release or "", url="http://10.42.0.1:8099/x", sha256="a" * 64)
    inventory = build_inventory(plan, InventoryInput(bundles=(bundle,), mirror="http://10.42.0.1:8099"))
    assert inventory.host_vars["apps"]["n8n_bundle"] == {"url": bundle.url, "sha256": bundle.sha256}
    assert inventory.host_vars["apps"]["open_webui_bundle"] == {}
    assert inventory.all_vars["base_mirror"] == {"address": "10.42.0.1", "port": 8099}


def test_connections_are_strict_about_host_keys(plan_of: PlanOf) -> None:
    connection = Connection(
        machine="data",
        address=IPv4Address("10.9.8.7"),
        port=2222,
        user="root",
        private_key="/keys/id",
        known_hosts="/keys/known hosts",
    )
    hosts = build_inventory(plan_of(), InventoryInput(connections=(connection,))).host_vars
    data = hosts["data"]
    assert (data["ansible_host"], data["ansible_port"]) == ("10.9.8.7", 2222)
    assert data["ansible_ssh_private_key_file"] == "/keys/id"
    assert "UserKnownHostsFile='/keys/known hosts' -o StrictHostKeyChecking=yes" in data["ansible_ssh_common_args"]
    assert hosts["apps"]["ansible_host"] == "10.42.0.13"


def test_a_name_of_one_word_still_gives_n8n_two(plan_of: PlanOf) -> None:
    def owner(name: str) -> Any:
        plan = plan_of("sme-2x4090", f"accounts.admin_name={name}")
        return build_inventory(plan, InventoryInput()).host_vars["apps"]["n8n_owner"]

    assert (owner("Administrator")["first_name"], owner("Administrator")["last_name"]) == ("Administrator", "acme")
    assert (owner("Ada King Lovelace")["first_name"], owner("Ada King Lovelace")["last_name"]) == (
        "Ada",
        "King Lovelace",
    )
