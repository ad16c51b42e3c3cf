"""The client's own id of a request, for its records: a token that says nothing of anybody, or none."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from decision_layer.detect.scan import scan
from decision_layer.parts import Part

log = logging.getLogger(__name__)
HEADER = b"x-request-id"
_TOKEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def read_request_id(headers: Mapping[bytes, bytes]) -> str:
    """ "" where there is none, or what is there is no such token, or the detectors find something in it.

    Records keep this in the clear, and the digits of an account are a token too.
    """
    given = headers.get(HEADER, b"")
    if not _TOKEN.fullmatch(given):
        return ""
    token = given.decode("ascii")
    try:
        found = scan((Part(token, "", HEADER.decode()),))
    except Exception:
        log.exception("a detector failed")
        return ""
    return "" if found else token
