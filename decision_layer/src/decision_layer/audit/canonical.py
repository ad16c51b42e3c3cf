"""RFC 8785 bytes of an entry, fast enough for the hot path.

The `rfc8785` package needs 100 us for a record of 1.5 kB, msgspec's sorted encoder 2 us (docs/audit.md). The two give
the same bytes as long as no number is a float, no integer is beyond 2^53 - 1 (RFC 8785 section 3.2.2.3) and no object
name is outside the basic plane (section 3.2.3); record.py's types leave no room for any of these, and encoding checks
every entry against its type. tests/audit/test_canonical.py compares with `rfc8785` itself.
"""

from __future__ import annotations

from typing import Any

import msgspec

from decision_layer.audit.errors import AuditRecordError
from decision_layer.audit.record import Entry

MAX_BYTES = 64 * 1024  # an entry is facts about a request, never the request

_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """The canonical bytes; AuditRecordError when the entry breaks its own types or is longer than MAX_BYTES."""
    try:
        body = _encoder.encode(entry)
        _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, TypeError, ValueError, OverflowError) as error:
        raise AuditRecordError(
            f"the {type(entry).__name__.lower()} cannot be written: {error}",
            where=entry.record_id,
            hint="every field has its type in decision_layer/audit/record.py; text must be valid Unicode",
        ) from error
    if len(body) > MAX_BYTES:
        raise AuditRecordError(
            f"the {type(entry).__name__.lower()} has {len(body)} bytes, at most {MAX_BYTES} are stored",
            where=entry.record_id,
            hint="put contents into the sealed part, only facts and counts into the entry",
        )
    return body


def decode(body: bytes) -> Entry:
    """The entry of stored bytes; msgspec.MsgspecError when they are none."""
    return _decoder.decode(body)


def encode_plain(value: Any) -> bytes:
    """Canonical bytes of a struct that is no entry (a checkpoint) or of plain data without floats."""
    return _encoder.encode(value)
