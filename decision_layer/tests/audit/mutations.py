"""What an intruder might do who can write every file but has no secret. Each returns what it did."""

from __future__ import annotations

import json
from collections.abc import Callable

from decision_layer.audit import chain, checkpoint
from decision_layer.audit.keyring import AuditKeys
from tests.audit.touched import Chance, Log, SqliteLog

_INTRUDER = AuditKeys([b"intruder" * 4])


def rechain(log: Log, start: int, mark: bool = True) -> None:
    """Recompute all hashes from a row on, and marks with a key of one's own: what re-stamping is."""
    before = log.run("SELECT hash FROM entries WHERE seq < ? ORDER BY seq DESC LIMIT 1", start)
    prev = before[0][0] if before else chain.GENESIS
    with log.link() as link, link.locked():
        for seq, kind, name, at, body_hash, body, sealed_hash in link.query(
            "SELECT seq, kind, record_id, at, body_hash, body, sealed_hash FROM entries WHERE seq >= ? ORDER BY seq",
            (start,),
        ):
            body_hash = chain.digest(body) if body is not None else body_hash
            prev = chain.entry_hash(prev, body_hash, sealed_hash, f"{seq}|{kind}|{name}|{at}")
            link.change("UPDATE entries SET hash = ?, body_hash = ? WHERE seq = ?", (prev, body_hash, seq))
            if mark:
                link.change("UPDATE entries SET mark = ? WHERE seq = ?", (_INTRUDER.mark(prev), seq))


def restamp(log: Log, seq: int, old: str, new: str) -> None:
    """Change a body and recompute everything after it."""
    body = bytes(log.run("SELECT body FROM entries WHERE seq = ?", seq)[0][0])
    log.run("UPDATE entries SET body = ? WHERE seq = ?", body.replace(old.encode(), new.encode()), seq)
    rechain(log, seq)


def edit_body(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance, "body IS NOT NULL")
    body = bytearray(log.run("SELECT body FROM entries WHERE seq = ?", seq)[0][0])
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(7)
    log.run("UPDATE entries SET body = ? WHERE seq = ?", bytes(body), seq)
    if chance.random() < 0.5:
        log.run("UPDATE entries SET body_hash = ? WHERE seq = ?", chain.digest(bytes(body)), seq)
    return f"entry {seq}"


def edit_and_restamp(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance, "kind = 'decision'")
    restamp(log, seq, '"effective_class":"art9"', '"effective_class":"public"')
    return f"entry {seq}"


def edit_column(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance)
    column, value = chance.choice(
        [("at", 1), ("kind", "decision2"), ("record_id", "other"), ("hash", b"h" * 32), ("body_hash", b"b" * 32)]
    )
    log.run(f"UPDATE entries SET {column} = ? WHERE seq = ?", value, seq)  # noqa: S608
    return f"{column} of entry {seq}"


def edit_mark(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance)
    log.run("UPDATE entries SET mark = ? WHERE seq = ?", _INTRUDER.mark(b"any"), seq)
    return f"entry {seq}"


def edit_file(log: Log, chance: Chance) -> str:
    """Past SQLite: a bit of a body in the file itself."""
    seq = log.any_seq(chance, "kind = 'outcome' AND body IS NOT NULL")
    body = bytes(log.run("SELECT body FROM entries WHERE seq = ?", seq)[0][0])
    path = log.directory / "audit.sqlite"
    data = bytearray(path.read_bytes())
    data[data.index(body) + chance.randrange(len(body))] ^= 4
    path.write_bytes(data)
    return f"entry {seq}"


def delete_row(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance)
    log.run("DELETE FROM entries WHERE seq = ?", seq)
    return f"entry {seq}"


def delete_and_restamp(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance)
    log.run("DELETE FROM entries WHERE seq = ?", seq)
    for later in [one for one in log.seqs() if one > seq]:
        log.run("UPDATE entries SET seq = seq - 1 WHERE seq = ?", later)
    rechain(log, seq)
    return f"entry {seq}"


def cut_tail(log: Log, chance: Chance, rows: int = 0) -> str:
    """Also what restoring an old backup is."""
    seqs = log.seqs()
    rows = rows or chance.randint(1, len(seqs))
    log.run("DELETE FROM entries WHERE seq > ?", len(seqs) - rows)
    return f"{rows} rows"


def cut_tail_and_one_place(log: Log, chance: Chance) -> str:
    cut_tail(log, chance, chance.randint(1, 40))
    return cut_checkpoints(log, chance)


def add_row(log: Log, chance: Chance) -> str:
    """A forged decision on top, chained as it should be."""
    seq = log.any_seq(chance)
    new = len(log.seqs()) + 1
    log.run(
        "INSERT INTO entries SELECT ?, 'decision2', record_id, at, hash, mark, body_hash, NULL, body, NULL"
        " FROM entries WHERE seq = ?",
        new,
        seq,
    )
    rechain(log, new)
    for place in (log.directory, log.second) if chance.random() < 0.5 else ():
        last = checkpoint.newest(place)
        head = bytes(log.run("SELECT hash FROM entries WHERE seq = ?", new)[0][0])
        checkpoint.add(place, [checkpoint.make(last, chain.Stored(new, "", 0, b"", head), "", _INTRUDER)])
    return f"entry {new}"


def insert_row(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance)
    for later in [one for one in reversed(log.seqs()) if one >= seq]:
        log.run("UPDATE entries SET seq = seq + 1 WHERE seq = ?", later)
    log.run(
        "INSERT INTO entries SELECT ?, 'outcome', record_id, at, hash, mark, body_hash, NULL, body, NULL"
        " FROM entries WHERE seq = ?",
        seq,
        seq + 1,
    )
    if chance.random() < 0.7:
        rechain(log, seq)
    return f"before entry {seq}"


def swap_rows(log: Log, chance: Chance) -> str:
    one, two = sorted(chance.sample(log.seqs(), 2))
    for old, new in ((one, -1), (two, one), (-1, two)):
        log.run("UPDATE entries SET seq = ? WHERE seq = ?", new, old)
    if chance.random() < 0.5:
        rechain(log, one)
    return f"entries {one} and {two}"


def remove_body(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance, "body IS NOT NULL")
    log.run("UPDATE entries SET body = NULL WHERE seq = ?", seq)
    return f"entry {seq}"


def change_sealed(log: Log, chance: Chance) -> str:
    seq = log.any_seq(chance, "sealed IS NOT NULL")
    value = chance.choice([None, b"x" * 60])
    log.run("UPDATE entries SET sealed = ? WHERE seq = ?", value, seq)
    return f"entry {seq} {value!r}"


def destroy_key(log: Log, chance: Chance) -> str:
    if chance.random() < 0.2:
        log.delete_keys()
        return "all keys"
    in_use = log.run(
        "SELECT DISTINCT substr(sealed, 1, 16) AS name FROM entries WHERE sealed IS NOT NULL ORDER BY name"
    )
    log.run("DELETE FROM keys WHERE key_id = ?", chance.choice(in_use)[0], table="keys")
    return "one key"


def change_schema(log: Log, chance: Chance) -> str:
    sql = chance.choice(log.schema_changes)
    log.run(sql)
    return sql


def delete_log(log: Log, chance: Chance) -> str:
    log.delete(chance)
    return "deleted or shortened"


def cut_checkpoints(log: Log, chance: Chance) -> str:
    """Lines off the end of one place, with a latest.json that fits, does not fit, or is gone."""
    place = chance.choice([log.directory, log.second])
    lines = (place / checkpoint.LINES).read_bytes().splitlines(keepends=True)
    kept = lines[: chance.randrange(len(lines))]
    (place / checkpoint.LINES).write_bytes(b"".join(kept))
    latest = chance.choice(["fits", "left", "gone"])
    if latest == "fits" and kept:
        (place / checkpoint.LATEST).write_bytes(kept[-1])
    elif latest != "left":
        (place / checkpoint.LATEST).unlink()
    return f"{len(lines) - len(kept)} lines, latest.json {latest}"


def edit_checkpoints(log: Log, chance: Chance) -> str:
    """A line edited, out, moved, or signed by someone else, in one place or in both."""
    places = chance.choice([[log.directory], [log.second], [log.directory, log.second]])
    how = chance.choice(["edited", "out", "moved", "signed"])
    lines = (places[0] / checkpoint.LINES).read_bytes().splitlines(keepends=True)
    at = chance.randrange(len(lines) - 1)
    if how == "edited":
        data = json.loads(lines[at])
        data["entries"] += 1
        lines[at] = json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    elif how == "out":
        del lines[at]
    elif how == "moved":
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    else:
        stored = chain.Stored(3, "", 0, b"", b"h" * 32)
        lines[at] = checkpoint.make(None, stored, "", _INTRUDER).line() + b"\n"
    for place in places:
        (place / checkpoint.LINES).write_bytes(b"".join(lines))
    return f"line {at + 1} {how} in {len(places)} places"


_HOW: list[Callable[[Log, Chance], str]] = [
    *(edit_body, edit_and_restamp, edit_column, edit_mark, edit_file, delete_row, delete_and_restamp),
    *(cut_tail, cut_tail_and_one_place, add_row, insert_row, swap_rows, remove_body, change_sealed, destroy_key),
    *(change_schema, delete_log, cut_checkpoints, edit_checkpoints),
]
ALL = [(how.__name__, how) for how in _HOW]


def possible(log: Log) -> list[tuple[str, Callable[[Log, Chance], str]]]:
    """Those that there are for its database: a server's files are not at hand."""
    return [(name, how) for name, how in ALL if how is not edit_file or isinstance(log, SqliteLog)]


# Found only with the secret: a mark is nothing to the public key, a forged row on top is beyond the last checkpoint,
# and an auditor's copy has no keys.sqlite.
NEED_SECRET = {"edit_mark", "add_row", "destroy_key"}
