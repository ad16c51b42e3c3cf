"""The receipt's other forms, written beside the signed JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # at run time only the verbs that need Ansible pay for its import
    from provision.pipeline.verification import Verified


def write_reports(verified: Verified) -> dict[str, str]:
    """HTML and JUnit; the paths of all three forms by name."""
    from provision.pipeline.verification import save_beside
    from provision.ui.junit import render_junit
    from provision.ui.receipt_html import render_receipt_html

    return {
        "receipt": verified.receipt_file,
        "report": save_beside(verified, ".html", render_receipt_html(verified.signed, verified.plan)),
        "junit": save_beside(verified, ".xml", render_junit(verified.signed.receipt)),
    }
