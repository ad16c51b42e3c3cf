"""The committed examples below inventories/examples: every built-in profile as an inventory, without a target.

`python -m provision.pipeline.examples` writes them again.
"""

from __future__ import annotations

from pathlib import Path

from provision.catalog import load_catalog
from provision.catalog.node_artifacts import load_artifacts
from provision.inventory import build_inventory, render_inventory, write_inventory
from provision.inventory.node_vars import published_driver
from provision.pipeline.artifacts import published_files
from provision.places import REPOSITORY
from provision.planner import build_plan
from provision.profile import load_profile

EXAMPLES = REPOSITORY / "inventories" / "examples"
PROFILES = ("cpu-small", "hetzner-rtx6000", "scaleway-h100", "sme-2x4090")


def render_example(profile: str) -> dict[str, str]:
    """A built-in profile as it would be brought up live, machines at their planned addresses."""
    plan = build_plan(load_profile(profile).profile, load_catalog(), client="example", target="live", lab=None)
    driver = published_driver(load_artifacts(None)["nvidia-driver"], may_reboot=False)
    given = published_files(plan, None).model_copy(update={"driver": driver})
    return render_inventory(build_inventory(plan, given))


def write_examples(folder: Path = EXAMPLES) -> None:
    """Raises SetupError where a folder holds something that was not written here."""
    for profile in PROFILES:
        write_inventory(render_example(profile), folder / profile)


if __name__ == "__main__":
    write_examples()
