"""Where the decision layer keeps its record, and what it therefore needs of the stack."""

from __future__ import annotations

from provision.models.catalog import Catalog
from provision.models.profile import Profile
from provision.planner.routing import DECISION_SERVICE

AUDIT_DATABASE = "postgresql"


def with_audit_needs(profile: Profile, catalog: Catalog) -> Catalog:
    """The catalogue with PostgreSQL among what the decision layer needs, where the profile puts the record there.

    Placement, the order of roles and the firewall all follow a service's needs.
    """
    entry = catalog.services.get(DECISION_SERVICE)
    if profile.routing.audit != AUDIT_DATABASE or entry is None:
        return catalog
    more = entry.model_copy(update={"needs": (*entry.needs, AUDIT_DATABASE)})
    return catalog.model_copy(update={"services": {**catalog.services, DECISION_SERVICE: more}})
