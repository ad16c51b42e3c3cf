"""The receipt's other forms, written beside the signed JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provision.runner.workspace import write_private

if TYPE_CHECKING:  # at run time only the verbs that need Ansible pay for its import
    from provision.pipeline.verification import Verified


def write_reports(verified: Verified) -> dict[str, str]:
    """HTML and JUnit; the paths of all three forms by name."""
    from provision.ui.junit import render_junit
    from provision.ui.receipt_html import render_receipt_html

    receipt = Path(verified.receipt_file)
    html, junit = receipt.with_suffix(".html"), receipt.with_suffix(".xml")
    write_private(html, render_receipt_html(verified.signed, verified.plan))
    write_private(junit, render_junit(verified.signed.receipt))
    return {"receipt": str(receipt), "report": str(html), "junit": str(junit)}
