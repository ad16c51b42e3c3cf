"""`decision-layer audit verify|export|show|copy|erase|retain|move`. Exit codes: 0 well, 1 found something, 2 cannot."""

from __future__ import annotations

import argparse
from pathlib import Path

from decision_layer.audit import audit_commands
from decision_layer.audit.maintain import DEFAULT_DAYS


def add_parser(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount `audit` and its commands; each sets `run`, a function from the arguments to the exit code."""
    audit = parsers.add_parser("audit", help="verify, export and look into the record of decisions")
    commands = audit.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("verify", help="find every change to the log")
    _common(check)
    check.add_argument("--key", type=Path, help="audit key file: also checks each entry's mark")
    check.add_argument("--public-key", action="append", default=[], help="64 hex digits; enough for an auditor")
    check.add_argument("--note", type=Path, help="file for the result: STATE/verified/last.json is told by /metrics")
    check.set_defaults(run=audit_commands.run_verify)

    out = commands.add_parser("export", help="print the log as JSON lines, or its decisions as CSV")
    _common(out)
    out.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    out.set_defaults(run=audit_commands.run_export)

    show = commands.add_parser("show", help="print one decision and what followed it")
    _common(show)
    show.add_argument("record_id")
    show.add_argument("--key", type=Path, help="audit key file: also prints what is sealed: pseudonym, facts or text")
    show.set_defaults(run=audit_commands.run_show)

    copy = commands.add_parser("copy", help="copy log and checkpoints for an auditor, without the keys of sealed parts")
    _common(copy)
    copy.add_argument("--to", type=Path, required=True, help="directory without a log")
    copy.set_defaults(run=audit_commands.run_copy)

    erase = commands.add_parser("erase", help="destroy what is sealed for one subject, named on standard input")
    _common(erase)
    _removing(erase, "GDPR Art. 17(1)")
    erase.set_defaults(run=audit_commands.run_erase)

    retain = commands.add_parser("retain", help="take out contents that are older than the retention time")
    _common(retain)
    _removing(retain, "retention time over")
    retain.add_argument("--days", type=int, default=DEFAULT_DAYS, help="default %(default)s, six months")
    retain.add_argument("--law", default="", help="the law that demands less than six months")
    retain.set_defaults(run=audit_commands.run_retain)

    move_verb = commands.add_parser("move", help="move the log from SQLite to PostgreSQL, while the gateway is stopped")
    _places(move_verb)
    _database(move_verb, required=True)
    move_verb.add_argument("--key", type=Path, required=True, help="audit key file")
    move_verb.set_defaults(run=audit_commands.run_move)


def _common(parser: argparse.ArgumentParser) -> None:
    _places(parser)
    _database(parser, required=False)


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--directory", type=Path, required=True, help="directory with audit.sqlite and checkpoints")
    parser.add_argument("--second-place", type=Path, help="directory with the other copy of the checkpoints")


def _database(parser: argparse.ArgumentParser, *, required: bool) -> None:
    text = "where the log is when not in audit.sqlite; a URL without a password: postgresql://ROLE@HOST:PORT/DATABASE"
    parser.add_argument("--postgresql", metavar="URL", required=required, help=text)
    parser.add_argument("--password-file", type=Path, help="file with the role's password")
    parser.add_argument("--schema", default="decision_layer", help="default: %(default)s")


def _removing(parser: argparse.ArgumentParser, basis: str) -> None:
    parser.add_argument("--key", type=Path, required=True, help="audit key file")
    parser.add_argument("--by", required=True, help="who does this; stands in the tombstone")
    parser.add_argument("--basis", default=basis, help="legal basis; stands in the tombstone (default: %(default)s)")
