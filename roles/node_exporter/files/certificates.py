#!/usr/bin/python3
"""Note how long the certificates of the gateway's sites are valid, for node_exporter's textfile collector.

    certificates.py CONFIG FILE

CONFIG: JSON, a list of {name, host, address, port}. It looks at what the sites really show, whoever issued it, and
checks nothing: a certificate that is not trusted has dates too. It runs on the target's own Python and openssl.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TIMEOUT_S = 10
TEXTS = {
    "provision_certificate_read": "Whether the site showed a certificate",
    "provision_certificate_not_before_seconds": "Since when it is valid, seconds of Unix time",
    "provision_certificate_not_after_seconds": "Until when it is valid, seconds of Unix time",
}


def read_dates(site: dict[str, Any]) -> tuple[float, float]:
    """Both ends of the certificate that a site shows. Raises OSError, ValueError, subprocess.SubprocessError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((site["address"], site["port"]), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=site["host"]) as wrapped,
    ):
        shown = wrapped.getpeercert(binary_form=True) or b""
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-dates"]
    told = subprocess.run(command, input=shown, capture_output=True, check=True, timeout=TIMEOUT_S).stdout.decode()
    # notBefore=Nov 29 20:00:00 2026 GMT
    first, last = (line.partition("=")[2] for line in told.strip().splitlines())
    return parse(first), parse(last)


def parse(text: str) -> float:
    return datetime.strptime(text, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp()


def main(config: Path, target: Path) -> None:
    samples: dict[str, list[str]] = {name: [] for name in TEXTS}
    for site in json.loads(config.read_text()):
        label = f'{{site="{site["name"]}"}}'
        try:
            dates = read_dates(site)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            print(f"{site['name']}: {error}", file=sys.stderr)
            samples["provision_certificate_read"].append(f"{label} 0")
            continue
        for name, value in zip(TEXTS, (1, *dates), strict=True):
            samples[name].append(f"{label} {value:.0f}")
    lines = []
    for name, values in samples.items():
        if values:
            lines += [f"# HELP {name} {TEXTS[name]}.", f"# TYPE {name} gauge", *(f"{name}{value}" for value in values)]
    fresh = target.with_suffix(".fresh")
    fresh.write_text("\n".join(lines) + "\n")
    fresh.chmod(0o644)
    fresh.rename(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
