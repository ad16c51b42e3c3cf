"""The way that alerts take out of the house: one connection per receiver, and nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping

from provision.models.alerts import WebhookAlerts
from provision.models.monitoring import ALERTMANAGER
from provision.models.plan import OUTSIDE, Flow
from provision.models.profile import Machine, Profile
from provision.planner.problems import Problems

_MAX_PORT = 65535


def check_alerts(profile: Profile, homes: Mapping[str, Machine], problems: Problems) -> None:
    """Somebody sends them, each destination has an address, and no secret goes over the open net in the clear."""
    if profile.alerts.destinations and ALERTMANAGER not in homes:
        problems.add(
            "alerts are to be sent, but nothing sends them",
            at="alerts",
            hint=f"add {ALERTMANAGER} (and prometheus) to the services of a machine, or leave `alerts` out",
        )
    ways = {"mail": profile.alerts.mail, "webhook": profile.alerts.webhook}
    for name, way in ways.items():
        if way is None:
            continue
        host, address, port = way.destination
        if address is None:
            problems.add(
                f"'{host}' is a name, and the machines ask no DNS",
                at=f"alerts.{name}.address",
                hint="add `address:` with its IPv4 address: the firewall opens exactly that one",
            )
        if not 1 <= port <= _MAX_PORT:
            problems.add(f"there is no port {port}", at=f"alerts.{name}", hint="write 1 to 65535")
    mail, webhook = profile.alerts.mail, profile.alerts.webhook
    if mail and mail.user and not mail.starttls:
        problems.add(
            f"'{mail.smarthost}' is to get a password without TLS, and Alertmanager sends none in the clear",
            at="alerts.mail.starttls",
            hint="take starttls: true, or leave user out where the smarthost asks for no account",
        )
    if webhook and webhook.url.startswith("http://") and not _is_private(webhook):
        problems.add(
            f"the token for '{webhook.url}' would go over the open net in the clear",
            at="alerts.webhook.url",
            hint="take https",
        )


def plan_alert_flows(profile: Profile, homes: Mapping[str, Machine]) -> list[Flow]:
    """From Alertmanager's machine to each receiver."""
    return [
        Flow(source=homes[ALERTMANAGER].name, target=OUTSIDE, address=where.address, port=where.port, purpose=purpose)
        for purpose, where in profile.alerts.destinations
        if ALERTMANAGER in homes
    ]


def _is_private(webhook: WebhookAlerts) -> bool:
    address = webhook.destination.address
    return address is not None and address.is_private
