"""Pure planning: a profile and the catalogue give a plan. No files, clock, chance or environment."""

from provision.planner.build import build_plan
from provision.planner.diff import diff_plans, plan_digest

__all__ = ["build_plan", "diff_plans", "plan_digest"]
