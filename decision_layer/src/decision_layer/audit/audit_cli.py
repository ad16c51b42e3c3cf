"""`decision-layer audit verify|export|show|erase|retain|move`. Exit codes: 0 well, 1 found something, 2 cannot tell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from decision_layer.audit import checkpointer, export, keyring, maintain
from decision_layer.audit.backend import Backend, DatabaseError, Server
from decision_layer.audit.backends import make_backend
from decision_layer.audit.errors import AuditError, AuditKeyError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.maintain import Reason
from decision_layer.audit.move import MOVED, move
from decision_layer.audit.reader import Found, LogReader
from decision_layer.audit.verify import Report, verify


def add_parser(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Mount `audit` and its commands; each sets `run`, a function from the arguments to the exit code."""
    audit = parsers.add_parser("audit", help="verify, export and look into the record of decisions")
    commands = audit.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("verify", help="find every change to the log")
    _common(check)
    check.add_argument("--key", type=Path, help="audit key file: also checks each entry's mark")
    check.add_argument("--public-key", action="append", default=[], help="64 hex digits; enough for an auditor")
    check.set_defaults(run=run_verify)

    out = commands.add_parser("export", help="print the log as JSON lines, or its decisions as CSV")
    _common(out)
    out.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    out.set_defaults(run=run_export)

    show = commands.add_parser("show", help="print one decision and what followed it")
    _common(show)
    show.add_argument("record_id")
    show.add_argument("--key", type=Path, help="audit key file: also prints the subject's pseudonym and the input")
    show.set_defaults(run=run_show)

    erase = commands.add_parser("erase", help="destroy what is sealed for one subject, named on standard input")
    _common(erase)
    _removing(erase, "GDPR Art. 17(1)")
    erase.set_defaults(run=run_erase)

    retain = commands.add_parser("retain", help="take out contents that are older than the retention time")
    _common(retain)
    _removing(retain, "retention time over")
    retain.add_argument("--days", type=int, default=maintain.DEFAULT_DAYS, help="default %(default)s, six months")
    retain.add_argument("--law", default="", help="the law that demands less than six months")
    retain.set_defaults(run=run_retain)

    move_verb = commands.add_parser("move", help="move the log from SQLite to PostgreSQL, while the gateway is stopped")
    _places(move_verb)
    _database(move_verb, required=True)
    move_verb.add_argument("--key", type=Path, required=True, help="audit key file")
    move_verb.set_defaults(run=run_move)


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


def _server(args: argparse.Namespace) -> Server | None:
    return Server(args.postgresql, args.password_file, args.schema) if args.postgresql else None


def _backend(args: argparse.Namespace) -> Backend:
    return make_backend(args.directory, _server(args))


def _removing(parser: argparse.ArgumentParser, basis: str) -> None:
    parser.add_argument("--key", type=Path, required=True, help="audit key file")
    parser.add_argument("--by", required=True, help="who does this; stands in the tombstone")
    parser.add_argument("--basis", default=basis, help="legal basis; stands in the tombstone (default: %(default)s)")


def run_verify(args: argparse.Namespace) -> int:
    """0: whole; 1: troubles, each on a line; 2: it could not be checked."""
    try:
        keys = AuditKeys.read(args.key) if args.key else None
        publics = {**(keys.publics if keys else {}), **dict(_public(text) for text in args.public_key)}
        if not publics:
            raise AuditKeyError(
                "nothing to check signatures with", where="audit verify", hint="give --key or --public-key"
            )
        report = verify(_backend(args), args.second_place, publics, keys)
    except (AuditError, OSError, DatabaseError) as error:
        return _cannot(error, args.directory)
    for trouble in report.troubles:
        print(f"{trouble.kind}: {trouble.where}: {trouble.what}")
    print(_summary(report, args.second_place))
    if report.behind:
        print(f"not yet in both places: {report.behind} checkpoints; the gateway makes up for them when it starts")
    if report.not_covered:
        print(f"not covered: {report.not_covered}")
    return 1 if report.troubles else 0


def _summary(report: Report, second: Path | None) -> str:
    places = f"{report.places} place{'s' if report.places != 1 else ''}" + ("" if second else ", no second place given")
    return (
        f"{'NOT WHOLE' if report.troubles else 'whole'}: {report.entries} entries, {report.attested} under"
        f" {report.checkpoints} checkpoints in {places}, {report.marked} with a good mark,"
        f" {report.removed_bodies} without body"
    )


def run_export(args: argparse.Namespace) -> int:
    """The whole log to standard output."""
    try:
        rows = LogReader(_backend(args)).after(0)
        (export.jsonl if args.format == "jsonl" else export.table)(rows, sys.stdout)
    except (AuditError, OSError, msgspec.MsgspecError) as error:
        return _cannot(error, args.directory)
    return 0


def run_show(args: argparse.Namespace) -> int:
    """0: shown; 1: no such record."""
    try:
        backend = _backend(args)
        reader = LogReader(backend)
        keys = AuditKeys.read(args.key) if args.key else None
        rows = reader.of(args.record_id)
        for row in rows:
            print(_shown(row))
            if keys and row.sealed_hash:
                sealed = reader.open_sealed(row, keys)
                print(msgspec.json.encode(sealed).decode() if sealed else '{"sealed":"erased"}')
    except (AuditError, OSError) as error:
        return _cannot(error, args.directory)
    if not rows:
        print(f"no record {args.record_id} in {backend.log}", file=sys.stderr)
    return 0 if rows else 1


def _shown(row: Found) -> str:
    if row.body is None:
        return f'{{"seq":{row.seq},"kind":"{row.kind}","body":"removed","body_sha256":"{row.body_hash.hex()}"}}'
    return msgspec.json.format(row.body, indent=2).decode()


def run_erase(args: argparse.Namespace) -> int:
    """0: erased; 1: nothing is sealed for this subject. The name comes on standard input, never in the arguments."""
    subject = sys.stdin.readline().strip()
    try:
        keys = AuditKeys.read(args.key)
        backend = _backend(args)
        removed = maintain.erase(backend, keys, subject, Reason(args.basis, args.by)) if subject else None
        _attest(backend, args.second_place, keys)
    except (AuditError, OSError) as error:
        return _cannot(error, args.directory)
    print(f"erased the sealed part of {removed.entries if removed else 0} entries")
    return 0 if removed and removed.entries else 1


def run_retain(args: argparse.Namespace) -> int:
    """0, also when nothing was old enough."""
    try:
        keys = AuditKeys.read(args.key)
        reason = Reason(args.law or args.basis, args.by)
        backend = _backend(args)
        removed = maintain.retain(backend, keys, args.days, reason, shorter=bool(args.law))
        _attest(backend, args.second_place, keys)
    except (AuditError, OSError) as error:
        return _cannot(error, args.directory)
    print(f"took the contents of {removed.entries} entries out, {removed.tombstones} tombstones say so")
    return 0


def run_move(args: argparse.Namespace) -> int:
    """0: moved and verified; 2: nothing has moved."""
    try:
        report = move(args.directory, args.second_place, AuditKeys.read(args.key), _backend(args))
    except (AuditError, OSError) as error:
        return _cannot(error, args.directory)
    print(_summary(report, args.second_place))
    print(f"the files are now *{MOVED}: an erasure no longer reaches them, so delete them once the server is backed up")
    return 0


def _attest(backend: Backend, second_place: Path | None, keys: AuditKeys) -> None:
    """A checkpoint at once, so that the tombstones are covered."""
    places = [backend.directory, second_place] if second_place else [backend.directory]
    checkpointer.write(places, maintain.last_entry(backend, keys), "", keys)


def _public(text: str) -> tuple[str, Ed25519PublicKey]:
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError as error:
        raise AuditKeyError("not a public key", where="--public-key", hint="64 hex digits, raw Ed25519") from error
    return keyring.key_id(public), public


def _cannot(error: Exception, directory: Path) -> int:
    where, hint = (error.where, error.hint) if isinstance(error, AuditError) else (str(directory), "check the path")
    print(f"what: {error}\nwhere: {where}\nhint: {hint}", file=sys.stderr)
    return 2
