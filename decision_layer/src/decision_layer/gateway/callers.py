"""Who asks: keys of clients and of people; keys of upstreams, which nobody else reads."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

from decision_layer.errors import DecisionLayerError
from decision_layer.gateway.answers import Refused
from decision_layer.policy.load import LoadedPolicy
from decision_layer.policy.shape import Client, Model

_MIN_KEY_CHARS = 16


class Credentials:
    """Keys by the names that the policy gives them; each is a file of this folder (systemd's LoadCredential)."""

    def __init__(self, folder: Path, loaded: LoadedPolicy) -> None:
        """Raises DecisionLayerError where somebody's key is missing, empty or also another one's."""
        self._clients: dict[bytes, Client] = {}
        for client in loaded.policy.clients:
            key = read_key(folder, client.key)
            digest = hashlib.sha256(key.encode()).digest()
            if digest in self._clients:
                raise DecisionLayerError(
                    f"clients {client.name} and {self._clients[digest].name} have the same key",
                    where=str(folder / client.key),
                    hint="each client needs a key of its own",
                )
            self._clients[digest] = client
        names = {model.upstream.key for model in loaded.policy.models if model.upstream.key}
        self._upstreams = {name: read_key(folder, name) for name in sorted(names)}
        self._people = {
            role: {person.name: read_key(folder, person.key) for person in people}
            for role, people in (("reviewer", loaded.policy.reviewers), ("approver", loaded.policy.approvers))
        }
        _refuse_shared(self._people, self._clients, folder)
        self._approvers = {person.name: person for person in loaded.policy.approvers}
        self._ask_for_people = {client.name: client.trusted_user for client in loaded.policy.clients}

    def find_person(self, role: str, authorization: bytes) -> str | None:
        """The name behind HTTP Basic, if it has this role; None for anything else."""
        given = read_basic(authorization)
        known = self._people[role].get(given[0]) if given else None
        if given is None or known is None:
            return None
        return given[0] if hmac.compare_digest(known.encode(), given[1].encode()) else None

    def bar_approver(self, approver: str, client: str, user: str) -> str:
        """Why this person may not approve what that client asked for that user; empty: they may.

        `asker`: it may be the same person. `nobody`: the client asks for people and did not say for whom. What a client
        asks that knows no people (n8n) is nobody's own request.
        """
        if not user.strip():
            return "nobody" if self._ask_for_people.get(client, True) else ""
        person = self._approvers.get(approver)
        known = {approver, *(person.users if person else ())}
        asker = user.strip().casefold()
        same = asker in {name.casefold() for name in known} or _letters(asker.partition("@")[0]) == _letters(approver)
        return "asker" if same else ""

    def find_client(self, headers: dict[bytes, bytes]) -> Client:
        """By `Authorization: Bearer` or `x-api-key`. Looked up by hash, so that time tells nothing about a key."""
        given = headers.get(b"x-api-key", b"")
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if not given and scheme.lower() == b"bearer":
            given = token.strip()
        client = self._clients.get(hashlib.sha256(given).digest()) if given else None
        if client is None:
            raise Refused(401, "invalid_api_key", "this needs a valid key of the decision layer")
        return client

    def header_for(self, model: Model) -> dict[str, str]:
        upstream = model.upstream
        if upstream.key is None:
            return {}
        key = self._upstreams[upstream.key]
        return {"Authorization": f"Bearer {key}"} if upstream.header == "bearer" else {upstream.header: key}


def _letters(name: str) -> str:
    """`max.roe` and `max-roe` are the same."""
    return "".join(filter(str.isalnum, name.casefold()))


def _refuse_shared(people: dict[str, dict[str, str]], clients: dict[bytes, Client], folder: Path) -> None:
    """Raises DecisionLayerError where two names have one key: then nobody knows which of them signs in."""
    owners = {digest: f"client {client.name}" for digest, client in clients.items()}
    for name, key in (pair for role in people.values() for pair in role.items()):
        owner = owners.setdefault(hashlib.sha256(key.encode()).digest(), name)
        if owner != name:
            raise DecisionLayerError(
                f"{owner} and {name} have the same key", where=str(folder), hint="each needs a key of their own"
            )


def read_basic(authorization: bytes) -> tuple[str, str] | None:
    """Name and password of HTTP Basic (RFC 7617, UTF-8); None for anything else."""
    scheme, _, encoded = authorization.partition(b" ")
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, UnicodeDecodeError):
        return None
    return (name, password) if scheme.lower() == b"basic" and colon else None


def read_key(folder: Path, name: str) -> str:
    """One key of the credentials folder. Raises DecisionLayerError where it is missing or short."""
    try:
        key = (folder / name).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DecisionLayerError(
            f"the key {name} cannot be read: {error}", where=str(folder), hint="put it there, one line, mode 0400"
        ) from None
    if len(key) < _MIN_KEY_CHARS:
        raise DecisionLayerError(
            f"the key {name} has fewer than {_MIN_KEY_CHARS} characters",
            where=str(folder / name),
            hint="make a longer one",
        )
    return key
