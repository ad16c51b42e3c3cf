"""Has every site a certificate of the one who shall vouch for it? Of the stack's own CA: and of nobody else?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import TlsObservation
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

_EXPECTED = {
    "own": "valid under the stack's own CA, refused without it",
    "acme": "valid, as the ACME server made it",
    "supplied": "valid, as it was supplied",
}


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    source = evidence.plan.certificate.source
    expected = _EXPECTED[source]
    for site in evidence.plan.sites:
        seen = next((item for item in evidence.web.tls if item.site == site.name), None)
        problem = _find_problem(seen, logs_of_service(evidence.plan, "caddy"), own=source == "own")
        if problem:
            yield Verdict("failed", expected, *problem, site.name)
        elif seen:
            yield Verdict("passed", expected, f"{seen.version}, valid until {seen.expires}", "", site.name)


def _find_problem(seen: TlsObservation | None, logs: str, *, own: bool) -> tuple[str, str] | None:
    if seen is None:
        return "not asked", "run provision verify on the controller again"
    if not seen.trusted and not own:
        return (
            f"{seen.url} is not trusted: {seen.trusted_error}",
            f"{logs}; is the root that vouches for it named under access.certificate.authority?",
        )
    if not seen.trusted:
        return (
            f"{seen.url} is not trusted under the stack's CA: {seen.trusted_error}",
            f"{logs}; provision up fetches the CA's root again",
        )
    if own and not seen.refused_without_ca:
        return (
            f"{seen.url} is accepted without the stack's CA",
            "a public certificate or an intercepting proxy answers: look at the certificate's issuer",
        )
    return None


CHECK = Check(
    id="tls",
    title="TLS",
    asks="Each site's certificate verifies: against the stack's CA root, and is refused by a client without it; of an "
    "ACME server or a supplied one against the public CAs or the root that the profile names.",
    fails="The gateway is down, its CA was made anew and the controller still holds the old root, or the ACME server "
    "does not reach the gateway.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside"),
)
