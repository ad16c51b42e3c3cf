"""Collect what the machines say, judge it against the plan, and sign the receipt."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from provision import __version__
from provision.errors import ProvisionError, SetupError
from provision.inventory.secrets import person_secret
from provision.models.base import Frozen
from provision.models.observation import MachineObservation
from provision.models.plan import Plan
from provision.models.report import SignedReceipt
from provision.pipeline.certificate import trust_file
from provision.pipeline.connect import ssh_to
from provision.pipeline.converge import require_success
from provision.pipeline.decision_probe import decision_prober
from provision.pipeline.drift import explain_silent
from provision.pipeline.options import Options, Report, find_client, open_chosen_workspace
from provision.pipeline.planning import require_plan
from provision.pipeline.proxmox_node import open_standing_node
from provision.pipeline.secrets_signing import check_own_receipt
from provision.pipeline.stages import StageClock
from provision.pipeline.vector_store import store_reader
from provision.runner.execute import Playbook, run_playbook
from provision.runner.lock import hold_lock
from provision.runner.secrets import read_secrets
from provision.runner.workspace import Workspace, new_run_id, write_private
from provision.verify.judge import judge, measure_cards
from provision.verify.observe import parse_observation
from provision.verify.receipt import (
    build_receipt,
    check_receipt,
    load_or_create_signing_key,
    sign_receipt,
)
from provision.verify.web import Credentials, observe_web

CA_ROOT_ON_GATEWAY = "/etc/caddy/ca-root.crt"
"""Where the role caddy exports the root of its own CA."""


class Verified(Frozen):
    """The signed receipt, the plan it speaks of, and where it lies."""

    signed: SignedReceipt
    plan: Plan
    receipt_file: str

    @property
    def passed(self) -> bool:
        return self.signed.receipt.verdict == "passed"


def verify_standing(options: Options, report: Report) -> Verified:
    """`provision verify`: measure the stack that stands. Raises LockedError while a run is at work."""
    workspace = open_chosen_workspace(options, find_client(options))
    with hold_lock(workspace.lock_file):
        clock = StageClock(report)
        plan = require_plan(workspace)
        with clock.stage("verify"):
            return verify_stack(workspace, plan, read_secrets(workspace), clock)


def verify_stack(workspace: Workspace, plan: Plan, secrets: Mapping[str, str], clock: StageClock) -> Verified:
    """Probe, judge, sign, write. A failed check is a result, not an exception."""
    clock.note("probing the machines")
    observations = _collect(workspace, plan, clock.report)
    fetch_ca_root(workspace, plan)
    clock.note("probing from outside")
    web = observe_web(
        plan,
        _credentials(plan, secrets),
        trust_file(workspace, plan),
        store_reader(plan, secrets),
        decision_prober(plan, secrets),
    )
    checks = judge(plan, observations, web, _explain_absent(workspace, plan, observations))
    receipt = build_receipt(
        plan,
        checks,
        measure_cards(plan, observations),
        receipt_id=new_run_id(),
        created=datetime.now(UTC).replace(microsecond=0),
        version=__version__,
        stages=tuple(clock.times),
    )
    return _write(workspace, plan, sign_receipt(receipt, load_or_create_signing_key(workspace.signing_key)))


def _explain_absent(workspace: Workspace, plan: Plan, seen: Mapping[str, object]) -> dict[str, str]:
    """Why machines do not answer, where a Proxmox node can be asked; a node that cannot is itself the reason."""
    silent = {machine.name for machine in plan.machines} - set(seen)
    if not silent or plan.proxmox is None:
        return {}
    try:
        return explain_silent(open_standing_node(workspace, plan), silent)
    except ProvisionError as error:
        return dict.fromkeys(silent, f"and its node tells nothing ({error.what})")


def fetch_ca_root(workspace: Workspace, plan: Plan) -> None:
    """Keep the gateway's CA root beside the receipts. An unreachable gateway is a failed check, not an exception."""
    gateway = next((service.machine for service in plan.services if service.name == "caddy"), None)
    if gateway is None or plan.certificate.source != "own":
        return
    argv = ssh_to(plan, gateway, ("cat", CA_ROOT_ON_GATEWAY))
    done = subprocess.run(argv, capture_output=True, check=False, timeout=30)
    if done.returncode == 0 and done.stdout.startswith(b"-----BEGIN CERTIFICATE-----"):
        write_private(workspace.ca_root, done.stdout)


def verify_receipt_file(path: Path, options: Options, key: str | None) -> SignedReceipt:
    """`provision verify --receipt FILE`: raises ProvisionError if one byte of it is not what was signed."""
    return check_receipt(path, key) if key else check_own_receipt(path, _signer(options))


def _collect(workspace: Workspace, plan: Plan, report: Report) -> dict[str, MachineObservation]:
    outcome = run_playbook(workspace, Playbook(name="verify"), report)
    if outcome.status == "failed":
        require_success(outcome)
    return {
        machine.name: parse_observation(machine.name, outcome.outputs[machine.name])
        for machine in plan.machines
        if machine.name in outcome.outputs
    }


def _credentials(plan: Plan, secrets: Mapping[str, str]) -> Credentials:
    reviewer = next(iter(plan.routing.reviewers), "")
    return Credentials(
        chat_email=plan.admin_email,
        chat_password=SecretStr(secrets["open_webui_admin_password"]),
        flows_email=plan.admin_email,
        flows_password=SecretStr(secrets["n8n_owner_password"]),
        webhook_key=SecretStr(secrets["n8n_webhook_key"]),
        metrics_login=plan.admin_email,
        metrics_password=SecretStr(secrets.get("grafana_admin_password", "")),
        trace_public_key=SecretStr(secrets.get("langfuse_public_key", "")),
        trace_secret_key=SecretStr(secrets.get("langfuse_secret_key", "")),
        reviewer=reviewer,
        reviewer_password=SecretStr(secrets.get(person_secret(reviewer).name, "") if reviewer else ""),
    )


def _write(workspace: Workspace, plan: Plan, signed: SignedReceipt) -> Verified:
    workspace.receipts.mkdir(mode=0o700, exist_ok=True)
    path = workspace.receipts / f"{signed.receipt.id}.json"
    write_private(path, signed.model_dump_json(indent=2) + "\n")
    return Verified(signed=signed, plan=plan, receipt_file=str(path))


def save_beside(verified: Verified, suffix: str, text: str) -> str:
    """Write another form of the receipt next to it; its path."""
    path = Path(verified.receipt_file).with_suffix(suffix)
    write_private(path, text)
    return str(path)


def _signer(options: Options) -> Workspace:
    workspace = open_chosen_workspace(options, find_client(options))
    if not workspace.signing_key.exists():
        raise SetupError(
            "it is not known whose signature to expect",
            where=str(workspace.signing_key),
            hint="add --client NAME --lab (or not) of the stack that signed it, or --key HEX",
        )
    return workspace
