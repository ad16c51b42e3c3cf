"""May a prompt of this class go to this target at all? Asked before every request, for the judge's too."""

from __future__ import annotations

from provision.models.pilot import Target, TestSet


def refuse_sending(tests: TestSet, target: Target, data_class: str) -> str:
    """Why it stays here; empty where it may be sent.

    The decision layer is asked whatever the zone of the named model is: it stands at home, decides by its own policy
    and keeps the record. What goes straight to a cloud must be of a class that the test set lets leave.
    """
    if target.zone == "home" or target.gateway or data_class in tests.may_leave:
        return ""
    allowed = ", ".join(tests.may_leave) or "none"
    return f"class {data_class} does not leave ({allowed} may), and {target.name} is in a cloud; nothing was sent"


def left_home(tests: TestSet, target: Target, data_class: str, zone: str) -> str:
    """Why an answer that came is an alarm: the zone that gave it may not have data of this class."""
    if not target.gateway or data_class in tests.may_leave:
        return ""
    if not zone:
        return "the answer names no zone (X-Zone), so nobody can say where the prompt went"
    if zone in target.home_zones:
        return ""
    return f"zone {zone} answered a prompt of class {data_class}, which does not leave"
