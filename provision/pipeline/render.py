"""`provision render`: the inventory as files, for a look or for another Ansible."""

from __future__ import annotations

from pathlib import Path

from provision.inventory import build_inventory, render_inventory, write_inventory
from provision.inventory.node_vars import published_driver
from provision.models.inventory import CertificateFiles
from provision.pipeline.artifacts import published_files
from provision.pipeline.authorities import read_authorities
from provision.pipeline.firm_policy import read_firm_policy
from provision.pipeline.lock import overlay_file
from provision.pipeline.node_files import DRIVER, pinned
from provision.pipeline.options import Options
from provision.pipeline.planning import make_plan
from provision.pipeline.policy_version import number_policy


def render_to(options: Options, folder: Path) -> tuple[str, ...]:
    """Write the inventory tree; the names of its files. Secrets stay references to the vault."""
    plan = make_plan(options).plan
    driver = published_driver(pinned(DRIVER), may_reboot=False) if plan.cards else None
    authorities = read_authorities(plan)
    files = {
        "driver": driver,
        "certificate": CertificateFiles(providers=authorities),
        "firm_policy": read_firm_policy(plan, authorities),
    }
    given = published_files(plan, overlay_file()).model_copy(update=files)
    tree = render_inventory(number_policy(build_inventory(plan, given), folder))
    write_inventory(tree, folder)
    return tuple(tree)
