"""A profile with a model outside, which is the stand-in of a cloud provider on the lab's bridge, and all its files.

    python -m tests.lab.hybrid_profile FOLDER

writes them, for a stack that shall stand longer than one run of the tests (`PROVISION_STANDING`, see standing.py).
"""

from __future__ import annotations

import secrets
import ssl
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.lab.standing import Stack
from tests.stand_ins.small_authority import vouch_for

HOST = "llm.provider.example"
PORT = 8443
NETWORK = "10.97.11.0/24"
BRIDGE = "10.97.11.1"
"""This machine's own address on the lab's bridge: the stand-in listens here."""
CLOUD, CLOUD_ZONE = "cloud-small", "eu-cloud"
KEY = "decision_layer_key_provider"
REVIEWER, APPROVER = "rita", "anna"
ASKER, TASK = "n8n", "tender"
"""The client and the task of what is held until an approver lets it leave."""
EXAMPLE = Path(__file__).parents[2] / "decision_layer" / "examples" / "hybrid-firm.yml"
"""Its zones are `home`, `eu-cloud` and `us-cloud`."""


class Files(NamedTuple):
    """Where `write_files` put what."""

    folder: Path

    @property
    def profile(self) -> Path:
        return self.folder / "hybrid.yml"

    @property
    def key(self) -> str:
        return (self.folder / "provider-key").read_text()

    def tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "chain.pem")
        return context

    def name_policy(self) -> None:
        """From now on the firm's own policy says what may go where: the shipped example, with a rule by which nothing
        but `public` leaves."""
        document = yaml.safe_load(EXAMPLE.read_text())
        document["rules"] = [
            {"name": "published", "title": "Published", "when": {"classes": ["public"]}, "to": [CLOUD]},
            {"name": "rest", "title": "All else", "to": ["chat"]},
        ]
        del document["budgets"]
        (self.folder / "policy.yml").write_text(yaml.safe_dump(document, sort_keys=False))
        profile = yaml.safe_load(self.profile.read_text())
        kept = {name: profile["routing"][name] for name in ("models", "reviewers", "approvers", "audit")}
        profile["routing"] = {"policy": str(self.folder / "policy.yml"), **kept}
        self.profile.write_text(yaml.safe_dump(profile, sort_keys=False))

    def give_key(self, stack: Stack) -> None:
        done = stack.run("secrets", "set", KEY, *stack.choice, given=self.key)
        assert done.returncode == 0, done.stderr


def write_files(folder: Path) -> Files:
    """The provider's key, its certificate, who vouches for that, and the profile that names them."""
    vouched = vouch_for(HOST)
    for name, content in (
        ("chain.pem", vouched.chain),
        ("provider-key", secrets.token_urlsafe(32).encode()),
        ("authority.pem", vouched.authority.encode()),
        ("hybrid.yml", yaml.safe_dump(make_profile(folder / "authority.pem"), sort_keys=False).encode()),
    ):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    return Files(folder)


def make_profile(authority: Path) -> dict[str, Any]:
    """What Open WebUI asks without a label is `internal` (docs/routing.md), since nobody can label a chat there: so
    here `public` and `internal` may go out, and what the detectors raise above them may not; `confidential` may with
    an approver's word, for who says so. The record of decisions is in the stack's PostgreSQL."""
    model = {
        "name": CLOUD,
        "title": "Cloud small",
        "provider": "provider",
        "zone": CLOUD_ZONE,
        "storage": CLOUD_ZONE,
        "url": f"https://{HOST}:{PORT}/v1",
        "model": "small-latest",
        "addresses": [BRIDGE],
        "key": "provider",
        "authority": str(authority),
    }
    chats = {
        "name": "chats",
        "title": "Chats that may leave",
        "when": {"classes": ["public", "internal"], "clients": ["open-webui"]},
        "to": [CLOUD, "chat"],
    }
    held = {
        "name": "held",
        "title": "What needs a second person",
        "when": {"classes": ["confidential"], "clients": [ASKER], "tasks": [TASK]},
        "to": [CLOUD],
    }
    return {
        "name": "hybrid",
        "extends": "cpu-small",
        "network": {"cidr": NETWORK},
        "routing": {
            "zones": [{"name": CLOUD_ZONE, "title": "Stand-in of a provider in the EU"}],
            "models": [model],
            "classes": [
                *({"name": name, "zones": [CLOUD_ZONE]} for name in ("public", "internal")),
                {"name": "confidential", "zones": [CLOUD_ZONE], "approval": True},
            ],
            "rules": [chats, held],
            "reviewers": [REVIEWER],
            "approvers": [APPROVER],
            "audit": "postgresql",
        },
    }


if __name__ == "__main__":
    print(write_files(Path(sys.argv[1]).absolute()).profile)
