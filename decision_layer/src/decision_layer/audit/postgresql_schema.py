"""The tables in PostgreSQL, and whether a schema holds these and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decision_layer.audit.backend import Link

SCHEMA = (
    """\
CREATE TABLE entries (
  seq bigint PRIMARY KEY,
  kind text NOT NULL,
  record_id text NOT NULL,
  at bigint NOT NULL,
  hash bytea NOT NULL,
  mark bytea NOT NULL,
  body_hash bytea NOT NULL,
  sealed_hash bytea,
  body bytea,
  sealed bytea
)""",
    "CREATE UNIQUE INDEX decisions ON entries (record_id) WHERE kind = 'decision'",
    "CREATE INDEX followers ON entries (record_id, seq) WHERE kind <> 'decision'",
    "CREATE TABLE keys (key_id bytea PRIMARY KEY, subject text NOT NULL, wrapped bytea NOT NULL)",
    "CREATE INDEX subjects ON keys (subject)",
    "CREATE SEQUENCE key_changes",
)

# One line for everything that could change what is stored or shown. p: on disk and in the write-ahead log; a table made
# UNLOGGED would be u, and empty after a crash. Constraints of kind n (NOT NULL) are rows only since PostgreSQL 18.
_DEFINED = """\
WITH ours AS (SELECT oid, relname, relkind, relpersistence, relrowsecurity, relispartition FROM pg_class
              WHERE relnamespace = current_schema()::regnamespace)
SELECT concat_ws(' ', relkind, relname, relpersistence, relrowsecurity, relispartition) FROM ours
UNION ALL SELECT concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, atthasdef)
  FROM pg_attribute JOIN ours ON attrelid = ours.oid WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT concat_ws(' ', indisvalid, indisready, pg_get_indexdef(indexrelid, 0, true))
  FROM pg_index JOIN ours ON indexrelid = ours.oid
UNION ALL SELECT concat_ws(' ', 'constraint', relname, conname) FROM pg_constraint JOIN ours ON conrelid = ours.oid
  WHERE contype <> 'n'
UNION ALL SELECT concat_ws(' ', 'trigger', tgname) FROM pg_trigger JOIN ours ON tgrelid = ours.oid
UNION ALL SELECT concat_ws(' ', 'rule', rulename) FROM pg_rewrite JOIN ours ON ev_class = ours.oid
UNION ALL SELECT concat_ws(' ', 'policy', polname) FROM pg_policy JOIN ours ON polrelid = ours.oid
UNION ALL SELECT concat_ws(' ', 'child of', relname) FROM pg_inherits JOIN ours ON inhparent = ours.oid
UNION ALL SELECT concat_ws(' ', 'function', proname) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"""

_EXPECTED = {
    "entries": """\
r entries p f f
i entries_pkey p f f
i decisions p f f
i followers p f f
column entries seq bigint t f
column entries kind text t f
column entries record_id text t f
column entries at bigint t f
column entries hash bytea t f
column entries mark bytea t f
column entries body_hash bytea t f
column entries sealed_hash bytea f f
column entries body bytea f f
column entries sealed bytea f f
t t CREATE UNIQUE INDEX entries_pkey ON entries USING btree (seq)
t t CREATE UNIQUE INDEX decisions ON entries USING btree (record_id) WHERE kind = 'decision'::text
t t CREATE INDEX followers ON entries USING btree (record_id, seq) WHERE kind <> 'decision'::text
constraint entries entries_pkey
S key_changes p f f""",
    "keys": """\
r keys p f f
i keys_pkey p f f
i subjects p f f
column keys key_id bytea t f
column keys subject text t f
column keys wrapped bytea t f
t t CREATE UNIQUE INDEX keys_pkey ON keys USING btree (key_id)
t t CREATE INDEX subjects ON keys USING btree (subject)
constraint keys keys_pkey""",
}

# An index that finds fewer or more rows than the table has would hide or make up some in a look-up by record id.
_COUNTS = {
    "entries_pkey": "SELECT count(seq) FROM entries WHERE seq > 0",
    "decisions": "SELECT count(record_id) FROM entries WHERE kind = 'decision'",
    "followers": "SELECT count(record_id) FROM entries WHERE kind <> 'decision'",
}
_BY_INDEX = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")


def is_ours(link: Link) -> bool:
    """Whether the schema is defined as above; a copy may be without keys, as an auditor's is."""
    found = {row[0] for row in link.query(_DEFINED)}
    tables = _EXPECTED if "r keys p f f" in found else {"entries": _EXPECTED["entries"]}
    return found == {line for text in tables.values() for line in text.split("\n")}


def damage(link: Link) -> list[str]:
    """Indexes whose number of rows is not the table's; a server with amcheck can say more (bt_index_check)."""
    with link.snapshot():
        by_table = _counts(link, by_index=False)
        by_index = _counts(link, by_index=True)
    return [
        f"index {name} finds {by_index[name]} of {rows} rows"
        for name, rows in by_table.items()
        if by_index[name] != rows
    ]


def _counts(link: Link, *, by_index: bool) -> dict[str, int]:
    """Rows by index, with the planner told to go by indexes, or to leave them alone; until the transaction ends."""
    for name in ("enable_seqscan", *_BY_INDEX):
        link.query("SELECT set_config(?, ?, true)", (name, "on" if (name in _BY_INDEX) == by_index else "off"))
    return {index: int(link.query(text)[0][0]) for index, text in _COUNTS.items()}
