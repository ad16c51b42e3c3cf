"""What the commands of `decision-layer audit` do; each returns its exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from decision_layer.audit import checkpointer, export, keyring, maintain, verified
from decision_layer.audit.auditor_copy import copy_log
from decision_layer.audit.backend import Backend, DatabaseError, Server
from decision_layer.audit.backends import make_backend
from decision_layer.audit.errors import AuditError, AuditKeyError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.maintain import Reason
from decision_layer.audit.move import MOVED, move
from decision_layer.audit.reader import Found, LogReader
from decision_layer.audit.verify import Report, verify


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
    try:
        if args.note:
            verified.note(args.note, report)
    except OSError as error:
        return _cannot(error, args.note)
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


def run_copy(args: argparse.Namespace) -> int:
    """0: copied."""
    try:
        count = copy_log(_backend(args), args.to)
    except (AuditError, OSError) as error:
        return _cannot(error, args.directory)
    print(f"copied {count} entries to {args.to}")
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


def _server(args: argparse.Namespace) -> Server | None:
    return Server(args.postgresql, args.password_file, args.schema) if args.postgresql else None


def _backend(args: argparse.Namespace) -> Backend:
    return make_backend(args.directory, _server(args))
