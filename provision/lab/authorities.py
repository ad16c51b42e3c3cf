"""Certificate authorities that this machine trusts and a stock guest does not, carried into the guest."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from provision.lab.commands import run

GUEST_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SYSTEM_BUNDLE = Path(GUEST_BUNDLE)
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def host_bundles() -> tuple[Path, ...]:
    """The bundle files that this machine's tools are told to use, and the system's own."""
    named = (os.environ.get(variable, "") for variable in BUNDLE_VARIABLES)
    paths = dict.fromkeys([*(Path(name) for name in named if name), SYSTEM_BUNDLE])
    return tuple(path for path in paths if path.is_file())


def extra_certificates(host_texts: tuple[str, ...], guest_text: str) -> tuple[str, ...]:
    """PEM blocks of the host that the guest's bundle lacks, each once, in the host's order."""
    known = {_body(block) for block in CERTIFICATE.findall(guest_text)}
    extra: dict[str, str] = {}
    for text in host_texts:
        for block in CERTIFICATE.findall(text):
            if _body(block) not in known:
                extra.setdefault(_body(block), block)
    return tuple(extra.values())


def trust_environment() -> dict[str, str]:
    """What makes pip, requests, OpenSSL and Node use the guest's bundle instead of one they carry themselves."""
    return {
        "PIP_CERT": GUEST_BUNDLE,
        "SSL_CERT_FILE": GUEST_BUNDLE,
        "REQUESTS_CA_BUNDLE": GUEST_BUNDLE,
        "NODE_EXTRA_CA_CERTS": GUEST_BUNDLE,
        "npm_config_cafile": GUEST_BUNDLE,
    }


def trust_files(rootfs: Path) -> dict[str, str]:
    """Files (path in the guest -> text) that make the guest trust what this machine trusts; empty when it does.

    Each extra certificate goes where `update-ca-certificates` looks, into the bundle that it would write, and
    under its subject hash, where OpenSSL looks: so nothing needs to run in the guest.
    """
    bundle = (rootfs / GUEST_BUNDLE.lstrip("/")).read_text()
    extra = extra_certificates(tuple(path.read_text() for path in host_bundles()), bundle)
    if not extra:
        return {}
    files = {GUEST_BUNDLE: bundle.rstrip("\n") + "\n" + "\n".join(extra) + "\n"}
    for number, block in enumerate(extra):
        files[f"/usr/local/share/ca-certificates/provision-host-{number}.crt"] = f"{block}\n"
        files[_hashed_path(rootfs, block, files)] = f"{block}\n"
    return files


def _hashed_path(rootfs: Path, block: str, taken: dict[str, str]) -> str:
    """`/etc/ssl/certs/<subject hash>.<n>` with the first free n."""
    subject = _subject_hash(block)
    for n in range(100):
        path = f"/etc/ssl/certs/{subject}.{n}"
        if path not in taken and not (rootfs / path.lstrip("/")).is_symlink():
            return path
    raise AssertionError(f"100 certificates with the subject hash {subject}")


@cache
def _subject_hash(block: str) -> str:
    return run(["openssl", "x509", "-subject_hash", "-noout"], text=block, hint="install openssl").strip()


def _body(block: str) -> str:
    return "".join(block.split())
