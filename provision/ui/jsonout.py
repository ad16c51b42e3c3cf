"""JSON for `--json`: the same names as the models, sorted keys, one document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

from provision.errors import ErrorGroup, ProvisionError

Printable = BaseModel | Mapping[str, object] | Sequence[object] | str | int | float | bool | None


def to_json(data: Printable) -> str:
    """The data as indented JSON with sorted keys; models, paths, addresses and times included."""
    return json.dumps(to_jsonable_python(data), indent=2, sort_keys=True, ensure_ascii=False)


def error_to_json(error: ProvisionError | ErrorGroup) -> str:
    """`{"errors": [{what, where, hint}], "exit_code": n}`."""
    errors = error.errors if isinstance(error, ErrorGroup) else (error,)
    document: dict[str, JsonValue] = {
        "errors": [{"what": e.what, "where": e.where, "hint": e.hint} for e in errors],
        "exit_code": int(error.exit_code),
    }
    return to_json(document)
