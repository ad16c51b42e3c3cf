"""Checks, summary, errors and JSON as a person or a script reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

from provision.errors import ErrorGroup, ProfileError, UsageError
from provision.models.plan import Plan
from provision.models.report import Receipt
from provision.ui.bars import Part, choose_scale, draw_bar, share_columns
from provision.ui.checks_table import render_checks
from provision.ui.errors import render_error
from provision.ui.jsonout import error_to_json, to_json
from provision.ui.printable import in_gib, in_seconds, shorten
from provision.ui.summary import render_summary

Show = Callable[..., str]
SNAPSHOTS = Path(__file__).resolve().parent / "snapshots"


def summary(receipt: Receipt, changed: int = 3) -> object:
    return render_summary(
        receipt,
        changed=changed,
        stages=receipt.stages,
        credentials=Path("/var/lib/provision/clients/a-client-with-a-long-name/lab/credentials.txt"),
        files={"receipt": Path("/var/lib/provision/clients/a-client-with-a-long-name/lab/receipts/x.json")},
    )


def test_checks_look_as_they_did(receipt: Receipt, show: Show) -> None:
    assert show(render_checks(receipt)) + "\n" == (SNAPSHOTS / "checks.txt").read_text(encoding="utf-8")


def test_a_failed_check_tells_all_and_stays_indented(receipt: Receipt, show: Show) -> None:
    lines = show(render_checks(receipt), 60).splitlines()
    start = next(place for place, line in enumerate(lines) if "✗" in line)
    block = " ".join(line.strip() for line in lines[start : start + 6])
    assert "cuInit(0) = 999: /dev/nvidia-uvm is missing" in block
    assert "expected: 192 MiB (± 128 MiB)" in block
    assert "next step: on the host run 'nvidia-modprobe -u -c 0'" in block
    assert "simulated" in lines[start]
    assert all(line.startswith("      ") for line in lines[start + 1 : start + 4])


def test_every_check_that_rests_on_a_simulated_card_says_so(receipt: Receipt, show: Show) -> None:
    lines = [line for line in show(render_checks(receipt)).splitlines() if line.startswith(("  ✓", "  ✗", "  -"))]
    assert len(lines) == 3
    assert all("simulated" in line for line in lines)


def test_the_summary_has_verdict_addresses_places_and_times(receipt: Receipt, show: Show) -> None:
    text = show(summary(receipt))
    for words in (
        "FAILED",
        "GPUs simulated",
        "https://10.42.0.10/",
        "Changed: 3 tasks",
        "2 min 21 s",
        "nvidia-modprobe",
    ):
        assert words in text
    assert "Changed: 0 tasks (nothing to do)" in show(summary(receipt, changed=0))
    good = receipt.model_copy(update={"verdict": "passed", "checks": receipt.checks[:1]})
    assert show(summary(good)).startswith("PASSED  acme")


def test_errors_have_three_lines() -> None:
    error = ProfileError("gpus[0].vram is '24BG'\nwhich is no size", where="rig.yml, line 14", hint="write 24GiB")
    assert render_error(error).plain.splitlines() == [
        "Error: gpus[0].vram is '24BG' which is no size",
        "Where: rig.yml, line 14",
        " Hint: write 24GiB",
    ]
    group = ErrorGroup([error, UsageError("\x1b[31mred", where="w", hint="h")])
    text = render_error(group).plain
    assert text.count("Error: ") == 2
    assert "\x1b" not in text
    assert "\n\nError: " in text


def test_json_of_models_errors_and_plain_values(plan: Plan) -> None:
    assert Plan.model_validate(json.loads(to_json(plan))) == plan
    assert json.loads(to_json({"b": IPv4Address("10.0.0.1"), "a": [Path("/x")]})) == {"a": ["/x"], "b": "10.0.0.1"}
    document = json.loads(error_to_json(UsageError("w", where="x", hint="h")))
    assert document == {"errors": [{"what": "w", "where": "x", "hint": "h"}], "exit_code": 2}


def test_figures() -> None:
    assert [in_gib(mib) for mib in (500, 24576, 6144, 1536)] == ["500 MiB", "24 GiB", "6 GiB", "1.5 GiB"]
    assert [in_seconds(s) for s in (0.42, 9.94, 59.4, 59.6, 75, 3599, 4000)] == [
        "0.4 s",
        "9.9 s",
        "59 s",
        "1 min 00 s",
        "1 min 15 s",
        "59 min 59 s",
        "1 h 06 min",
    ]
    assert shorten("a\n b\tc", 10) == "a b c"
    assert shorten("abcdef", 4) == "abc…"


def test_bars_fill_exactly_their_width() -> None:
    assert share_columns([1, 0, 99], 100, 10) == [1, 0, 9]
    assert share_columns([5], 0, 10) == [0]
    for values in ([100], [1, 1, 1], [50, 60], [0]):
        parts = [Part("x", value, "#", "") for value in values]
        assert len(draw_bar(parts, 100, 20).plain) == 20
    assert choose_scale(24564, 190, 250) == 512
    assert choose_scale(24564, 12000) == 24564
    assert choose_scale(24564, 0) == 24564
