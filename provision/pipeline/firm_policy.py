"""The firm's own policy: read and judged before anything changes, signed with a key of the client's vault.

What only the decision layer itself knows of a policy, `decision-layer check` says on the machine, before it replaces
the one in use.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from provision.errors import SetupError
from provision.inventory.policy import build_policy
from provision.models.inventory import Inventory
from provision.models.plan import Plan
from provision.papers.policy_file import MAX_BYTES, judge_policy

_SETTING = "routing.policy"


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which only the last would reach `decision-layer check`."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, times in Counter(keys).items():
            if times > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_firm_policy(plan: Plan, authorities: Mapping[str, str]) -> str:
    """The file's text, empty where the profile names none; judged with the plan's own models, clients and people in it.

    Raises SetupError where it is no YAML that can be read, ErrorGroup with every name that leads nowhere.
    """
    if plan.routing.policy is None:
        return ""
    path = Path(plan.routing.policy)
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise ValueError("it is larger than any policy")
        text = content.decode()
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise _refuse(path, f"it cannot be read: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise _refuse(path, " ".join(str(error).split())) from None
    if not isinstance(document, dict) or not _has_zones(document):
        raise _refuse(path, "it is no policy: a list of zones is missing")
    judge_policy(build_policy(plan, authorities, document), path)
    return text


def sign_policy(inventory: Inventory, private_key: str) -> Inventory:
    """The inventory with the policy's signature, by an Ed25519 key (PEM), and the public key to hold it against."""
    key = load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("a policy is signed with Ed25519 and nothing else")
    signer = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(variables: dict[str, Any]) -> dict[str, Any]:
        if "decision_layer_policy" not in variables:
            return variables
        made = base64.b64encode(key.sign(variables["decision_layer_policy"].encode())).decode()
        return {**variables, "decision_layer_signer": signer, "decision_layer_signature": made}

    signed = {name: sign(variables) for name, variables in inventory.host_vars.items()}
    return inventory.model_copy(update={"host_vars": signed})


def _has_zones(document: Mapping[str, Any]) -> bool:
    zones = document.get("zones")
    return isinstance(zones, list) and all(isinstance(zone, dict) and "name" in zone for zone in zones)


def _refuse(path: Path, what: str) -> SetupError:
    return SetupError(
        f"the firm's policy cannot be used: {what}",
        where=f"{path}, which {_SETTING} names",
        hint="decision-layer check tells all faults of a policy",
    )
