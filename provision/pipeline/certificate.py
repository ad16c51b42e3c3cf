"""The certificate's files on the controller: read and checked before anything changes, the key kept in the vault."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from provision.errors import ErrorGroup, ProvisionError, SetupError
from provision.inventory.secrets import SITE_KEY
from provision.models.base import Frozen
from provision.models.inventory import CertificateFiles
from provision.models.plan import Plan
from provision.pipeline.authorities import read_authorities, read_pem
from provision.pipeline.certificate_checks import find_chain_problems, find_problems
from provision.runner.secrets import keep_secret, read_secrets
from provision.runner.workspace import Workspace

_SETTING = "access.certificate"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Supplied(Frozen):
    """What the files hold. The key is a secret type: neither a repr nor a traceback shows it."""

    files: CertificateFiles = CertificateFiles()
    key: SecretStr | None = None
    policy: str = ""
    """The firm's own (firm_policy.py)."""


def read_certificate(plan: Plan) -> Supplied:
    """The files that the plan names, checked. Raises SetupError or ErrorGroup of them."""
    wanted = plan.certificate
    providers = read_authorities(plan)
    authority = read_pem(Path(wanted.authority), _SETTING) if wanted.authority else b""
    if wanted.source != "supplied" or wanted.certificate is None or wanted.key is None:
        problems = find_chain_problems(authority, authority) if authority else []
        _raise_if_any([SetupError(what, where=str(wanted.authority), hint=hint) for what, hint in problems])
        return Supplied(files=CertificateFiles(authority=authority.decode(), providers=providers))
    chain, key = read_pem(Path(wanted.certificate), _SETTING), _read_key(Path(wanted.key))
    hosts = [site.host for site in plan.sites]
    problems = find_problems(chain, key, hosts, datetime.now(UTC))
    if authority and not problems:
        problems = find_chain_problems(chain, authority)
    where = f"{wanted.certificate} with {wanted.key}"
    _raise_if_any([SetupError(what, where=where, hint=hint) for what, hint in problems])
    files = CertificateFiles(authority=authority.decode(), chain=chain.decode(), providers=providers)
    return Supplied(files=files, key=SecretStr(key.decode()))


def keep_site_key(workspace: Workspace, supplied: Supplied) -> None:
    """The private key into the client's vault, if it is not there already."""
    if supplied.key is None:
        return
    known = read_secrets(workspace) if workspace.secrets_file.exists() else {}
    if known.get(SITE_KEY.name) != supplied.key.get_secret_value():
        keep_secret(workspace, SITE_KEY.name, supplied.key.get_secret_value())


def trust_file(workspace: Workspace, plan: Plan) -> Path | None:
    """The root that vouches for the sites; None: the system's public CAs do."""
    if plan.certificate.source == "own":
        return workspace.ca_root
    return Path(plan.certificate.authority) if plan.certificate.authority else None


def _read_key(path: Path) -> bytes:
    content = read_pem(path, _SETTING)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        raise SetupError(
            f"others may read the private key (mode {mode:04o})", where=str(path), hint=f"chmod 600 {path}"
        )
    return content


def _raise_if_any(errors: list[SetupError]) -> None:
    if errors:
        raise errors[0] if len(errors) == 1 else ErrorGroup(list[ProvisionError](errors))
