"""All papers of one stack, in the order in which they are read."""

from __future__ import annotations

from provision.models.papers import PaperSet
from provision.papers.facts import Facts
from provision.papers.flows_paper import build_flows
from provision.papers.impact_paper import build_impact
from provision.papers.inventory_paper import build_inventory
from provision.papers.licences_paper import build_licences
from provision.papers.materials_paper import build_materials
from provision.papers.notice_paper import build_notice
from provision.papers.processing_paper import build_processing
from provision.papers.retention_paper import build_retention
from provision.papers.risk import classify

_BUILDERS = (
    build_inventory,
    build_processing,
    build_impact,
    build_notice,
    build_retention,
    build_materials,
    build_licences,
    build_flows,
)


def build_papers(facts: Facts) -> PaperSet:
    """Pure: the same facts give the same papers."""
    receipt = facts.signed.receipt
    return PaperSet(
        client=receipt.client,
        profile=receipt.profile,
        target=receipt.target,
        made=facts.made,
        provision_version=facts.version,
        receipt_id=receipt.id,
        verdict=receipt.verdict,
        simulated=receipt.simulated,
        classification=classify(facts.answers.given).result,
        papers=tuple(build(facts) for build in _BUILDERS),
    )
