"""Who vouches for the sites, who signs people in, and what the gateway may ask outside for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from provision.models.plan import Finding, OutsideFlow
from provision.models.profile import Certificate, Machine, Profile
from provision.planner.problems import Problems
from provision.planner.routing import DECISION_SERVICE
from provision.planner.sign_in import SIGN_IN_SERVICE

GATEWAY_SERVICE = "caddy"
HTTP_PORT = 80
HTTPS_PORT = 443
_NEVER_PUBLIC = frozenset(
    {"internal", "local", "localhost", "lan", "home", "corp", "arpa", "test", "example", "invalid", "onion"}
)
"""Last parts of names that no public CA vouches for: RFC 2606, RFC 6761, RFC 6762, and those that ICANN does not give
out (internal; home and corp by the name collision reports). `lan` is of none of these and is delegated to nobody."""

_GIVEN = ("directory", "email", "addresses", "authority", "certificate", "key")
_NEEDED: dict[str, tuple[str, ...]] = {
    "own": (),
    "acme": ("directory", "email", "addresses"),
    "supplied": ("certificate", "key"),
}
_ALLOWED: dict[str, tuple[str, ...]] = {"own": (), "acme": ("authority",), "supplied": ("authority",)}
_AT = "access.certificate"


def check_way_in(profile: Profile, problems: Problems) -> None:
    """Is what the certificate's source needs there, and nothing that belongs to another one?"""
    wanted = profile.access.certificate
    given = {name for name in _GIVEN if getattr(wanted, name)}
    for name in _NEEDED[wanted.source]:
        if name not in given:
            problems.add(f"a certificate from '{wanted.source}' needs {name}", at=f"{_AT}.{name}", hint=_HINTS[name])
    for name in sorted(given - {*_NEEDED[wanted.source], *_ALLOWED[wanted.source]}):
        problems.add(
            f"{name} is given, and the certificate's source is '{wanted.source}', which has no use for it",
            at=f"{_AT}.{name}",
            hint="write source: acme or source: supplied, or leave it out",
        )
    if wanted.source == "acme":
        _check_acme(profile, problems)


def _check_acme(profile: Profile, problems: Problems) -> None:
    wanted, domain = profile.access.certificate, profile.network.domain
    if wanted.authority is None and ("." not in domain or domain.rpartition(".")[2] in _NEVER_PUBLIC):
        problems.add(
            f"no public CA vouches for names below '{domain}'",
            at="network.domain",
            hint="write a domain that is yours and public; of an ACME server of your own, name its root under "
            f"{_AT}.authority",
        )
    ports = {profile.access.chat_port, profile.access.flows_port}
    if wanted.challenge == "tls-alpn-01" and HTTPS_PORT not in ports:
        problems.add(
            "the ACME server asks at port 443, and no site is there",
            at=f"{_AT}.challenge",
            hint="write challenge: http-01, or access.chat_port: 443",
        )


def keep_inside(profile: Profile) -> Profile:
    """The profile as the lab can be it: there is nobody outside who could vouch for it or sign people in."""
    own = {"certificate": Certificate()} if profile.access.certificate.source == "acme" else {}
    access = profile.access.model_copy(update={**own, "sign_on": None})
    return profile.model_copy(update={"access": access})


def lab_findings(profile: Profile) -> Iterator[Finding]:
    """What `keep_inside` takes away from the profile as it was asked for."""
    if profile.access.certificate.source == "acme":
        yield Finding(
            severity="warning",
            what="in the lab the gateway's own CA vouches for the sites, not the ACME server",
            where="access.certificate",
            hint="a live target gets its certificates by ACME",
        )
    if profile.access.sign_on:
        yield Finding(
            severity="warning",
            what="in the lab no single sign-on stands before the sites",
            where="access.sign_on",
            hint="a live target asks it before every request",
        )


def answers_on_port_80(profile: Profile) -> bool:
    """Whether the ACME server asks at port 80; whoever else does is sent to https."""
    return profile.access.certificate.source == "acme" and profile.access.certificate.challenge == "http-01"


def plan_outside(profile: Profile, homes: Mapping[str, Machine]) -> tuple[OutsideFlow, ...]:
    """Connections to the ACME server and the sign-on service, by the gateway, to the provider of `sign_in`, and to the
    models outside that the decision layer may use."""
    access, sign_in = profile.access, profile.sign_in
    wanted: list[tuple[str, str, tuple[IPv4Address, ...], str]] = []
    if access.certificate.source == "acme" and access.certificate.directory:
        addresses = access.certificate.addresses
        wanted.append((GATEWAY_SERVICE, access.certificate.directory, addresses, "certificates by ACME"))
    if access.sign_on:
        wanted.append((GATEWAY_SERVICE, access.sign_on.url, access.sign_on.addresses, "sign-on"))
    if sign_in:
        wanted.append((SIGN_IN_SERVICE, sign_in.issuer, sign_in.addresses, "who a person is, by OpenID Connect"))
    wanted += [
        (DECISION_SERVICE, model.url, model.addresses, f"model {model.name} in {model.zone}")
        for model in profile.routing.models
    ]
    return tuple(
        OutsideFlow(
            source=homes[service].name,
            host=urlsplit(url).hostname or "",
            addresses=addresses,
            port=urlsplit(url).port or (HTTPS_PORT if url.startswith("https:") else HTTP_PORT),
            purpose=purpose,
            service=service,
        )
        for service, url, addresses, purpose in wanted
        if service in homes
    )


_HINTS = {
    "directory": "write the address of its directory, for example https://ca.example.com/acme/directory",
    "email": "write the mail address that it may write to",
    "addresses": "write the IPv4 addresses of the directory's host: the firewall lets nothing else out",
    "certificate": "write the path of the PEM file on this machine, from its root",
    "key": "write the path of the PEM file on this machine, from its root",
}
