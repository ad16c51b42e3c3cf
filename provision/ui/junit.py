"""The receipt as JUnit XML, in the form that GitLab, Jenkins and GitHub readers accept.

`testsuites > testsuite > testcase > failure|skipped`, as in the schema of the Jenkins xUnit plugin;
one suite per machine, so that CI groups the checks by machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from provision.models.report import CheckResult, Receipt

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) does not allow at all, not even escaped."""


def render_junit(receipt: Receipt) -> str:
    """The document with its XML declaration; times in seconds."""
    root = ElementTree.Element("testsuites", _totals(f"provision {receipt.client}", receipt.checks))
    for machine in dict.fromkeys(check.machine for check in receipt.checks):
        checks = [check for check in receipt.checks if check.machine == machine]
        name = machine or "stack"
        suite = ElementTree.SubElement(root, "testsuite", _totals(name, checks))
        suite.set("errors", "0")
        suite.set("timestamp", receipt.created.replace(microsecond=0, tzinfo=None).isoformat())
        suite.set("hostname", _clean(name))
        for check in checks:
            _add_case(suite, receipt, check, name)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_case(suite: ElementTree.Element, receipt: Receipt, check: CheckResult, machine: str) -> None:
    title = f"{check.id}: {check.title}" + (" [simulated]" if check.simulated else "")
    case = ElementTree.SubElement(suite, "testcase")
    case.set("name", _clean(title))
    case.set("classname", _clean(f"{receipt.client}.{machine}"))
    case.set("time", f"{check.duration_s:.3f}")
    if check.status == "failed":
        failure = ElementTree.SubElement(case, "failure", {"type": _clean(check.id)})
        failure.set("message", _clean(check.measured))
        failure.text = _clean(f"expected: {check.expected}\nmeasured: {check.measured}\nnext step: {check.hint}")
    elif check.status == "skipped":
        ElementTree.SubElement(case, "skipped", {"message": _clean(check.measured)})
    else:
        output = ElementTree.SubElement(case, "system-out")
        output.text = _clean(f"expected: {check.expected}\nmeasured: {check.measured}")


def _totals(name: str, checks: Sequence[CheckResult]) -> dict[str, str]:
    return {
        "name": _clean(name),
        "tests": str(len(checks)),
        "failures": str(sum(check.status == "failed" for check in checks)),
        "skipped": str(sum(check.status == "skipped" for check in checks)),
        "time": f"{sum(check.duration_s for check in checks):.3f}",
    }


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
