"""Whose word Open WebUI takes for who a person is, and the one way out to it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from provision.models.plan import PlannedSignIn
from provision.models.profile import Machine, Profile
from provision.planner.problems import Problems

SIGN_IN_SERVICE = "open_webui"
_HTTPS = 443


def plan_sign_in(profile: Profile, homes: Mapping[str, Machine], problems: Problems) -> PlannedSignIn | None:
    """None where the profile names no provider."""
    wanted = profile.sign_in
    if wanted is None:
        return None
    if SIGN_IN_SERVICE not in homes:
        problems.add(
            "sign_in is for Open WebUI, which is placed nowhere",
            at="sign_in",
            hint=f"place {SIGN_IN_SERVICE} on a machine, or take sign_in away",
        )
        return None
    parts = urlsplit(wanted.issuer)
    return PlannedSignIn(
        machine=homes[SIGN_IN_SERVICE].name,
        issuer=wanted.issuer,
        host=parts.hostname or "",
        port=_read_port(wanted.issuer, problems),
        addresses=wanted.addresses,
        client_id=wanted.client_id,
        name=wanted.name,
    )


def _read_port(issuer: str, problems: Problems) -> int:
    try:
        return urlsplit(issuer).port or _HTTPS
    except ValueError:
        problems.add("the issuer's port is beyond 65535", at="sign_in.issuer", hint="write a port from 1 to 65535")
        return _HTTPS
