"""What a stack costs, and where another way to get the work done costs the same. Pure: a case goes in, a report out."""

from __future__ import annotations

from provision.tco.checks import Fault, check_case
from provision.tco.report import build_report

__all__ = ["Fault", "build_report", "check_case"]
