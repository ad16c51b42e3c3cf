"""`provision doctor`: what this machine lacks for the lab, or what a Proxmox node or a plain host lacks for a plan."""

from __future__ import annotations

from provision.errors import ProvisionError
from provision.lab.requirements import missing_requirements
from provision.models.node import NodeReport
from provision.pipeline.node import node_login, read_node
from provision.pipeline.node_files import wanted_files
from provision.pipeline.options import Options, choose_profile
from provision.pipeline.planning import plan_chosen
from provision.places import find_content
from provision.preflight.judge import exit_code, judge


def examine() -> tuple[ProvisionError, ...]:
    """Every problem found; empty where the lab can be brought up here."""
    found: list[ProvisionError] = list(missing_requirements())
    for folder in ("playbooks", "roles", "plugins", "templates"):
        try:
            find_content(folder)
        except ProvisionError as error:
            found.append(error)
    return tuple(found)


def examine_node(options: Options) -> NodeReport:
    """Every finding about the profile's Proxmox node or plain host; nothing is changed, there or here.

    Raises UsageError or ProfileError where no node is named, PlanError, UnreachableError, and SetupError where the node
    lets us in and cannot answer.
    """
    chosen = choose_profile(options)
    login = node_login(chosen.loaded.profile)
    plan = plan_chosen(chosen, options)
    node = read_node(login)
    findings = judge(plan, node, wanted=wanted_files(plan))
    return NodeReport(
        profile=plan.profile,
        client=plan.client,
        node=node.node,
        pve=node.pve,
        kernel=node.kernel,
        driver=node.driver,
        system=None if plan.proxmox else node.distribution,
        findings=findings,
        exit_code=exit_code(findings),
    )
