"""Whom Alertmanager tells: what a profile says of it, and the one destination that a machine may then reach."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import StringConstraints

from provision.models.base import Frozen

MailAddress = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=254),
]
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"
Smarthost = Annotated[str, StringConstraints(pattern=rf"^{_HOST}:[0-9]{{1,5}}$", max_length=259)]
"""host:port."""
HookUrl = Annotated[
    str, StringConstraints(pattern=rf"^https?://{_HOST}(:[0-9]{{1,5}})?(/[A-Za-z0-9._~/-]*)?$", max_length=400)
]
"""No name, password, query or fragment in it: what is secret goes into the vault."""
Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._%+@-]{1,100}$")]


class Destination(NamedTuple):
    """`address` None: the host is a name, and nobody said where it is."""

    host: str
    address: IPv4Address | None
    port: int


class MailAlerts(Frozen):
    """By mail. `address`: of the smarthost where that is a name, since the machines ask no DNS."""

    to: MailAddress
    sender: MailAddress
    smarthost: Smarthost
    address: IPv4Address | None = None
    user: Account | None = None
    """Its password is the secret alerts_mail_password; without it the smarthost asks for none."""
    starttls: bool = True

    @property
    def destination(self) -> Destination:
        host, _, port = self.smarthost.partition(":")
        return Destination(host, self.address or read_address(host), int(port))


class WebhookAlerts(Frozen):
    """By a POST that carries the secret alerts_webhook_token as bearer token. `address` as for mail."""

    url: HookUrl
    address: IPv4Address | None = None

    @property
    def destination(self) -> Destination:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        return Destination(host, self.address or read_address(host), parts.port or _DEFAULT_PORTS[parts.scheme])


class Alerts(Frozen):
    """Both, one or neither; neither keeps and shows alerts and tells nobody."""

    mail: MailAlerts | None = None
    webhook: WebhookAlerts | None = None

    @property
    def destinations(self) -> tuple[tuple[str, Destination], ...]:
        """With what they are for."""
        known = (("alerts by mail", self.mail), ("alerts by webhook", self.webhook))
        return tuple((purpose, way.destination) for purpose, way in known if way)


_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_address(host: str) -> IPv4Address | None:
    """The address that a host is; None for a name."""
    try:
        return IPv4Address(host) if re.fullmatch(r"[0-9.]+", host) else None
    except AddressValueError:
        return None
