"""The profile as JSON Schema (draft 2020-12), for editors.

`python -m provision.profile.schema > docs/profile.schema.json` writes it.

A file that stands alone must be complete. One with `extends`, and a client file with `profile`, may leave anything out
and may change items of a list by name.
"""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from typing import Any

from provision.models.profile import Profile
from provision.profile.known import list_names

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LAYER = "Layer"
Schema = dict[str, Any]


def profile_schema() -> Schema:
    """JSON Schema of a profile file and of a client file."""
    complete = Profile.model_json_schema(mode="validation", ref_template="#/$defs/{model}")
    definitions: Schema = complete.pop("$defs")
    layers = {f"{_LAYER}{name}": _relax(definition) for name, definition in definitions.items()}
    layer = _relax(complete)
    layer["properties"]["extends"] = {"enum": list(list_names()), "description": "The built-in profile below this one."}
    layer["properties"]["profile"] = {"type": "string", "description": "Client files: the profile below this one."}
    return {
        "$schema": _DIALECT,
        "title": "provision profile",
        "description": "A hardware profile, or a client file over one.",
        "if": {"anyOf": [{"required": ["extends"]}, {"required": ["profile"]}]},
        "then": {"$ref": f"#/$defs/{_LAYER}"},
        "else": {"$ref": "#/$defs/Profile"},
        "$defs": definitions | layers | {"Profile": complete, _LAYER: layer},
    }


def _relax(definition: Schema) -> Schema:
    """The same, with nothing required, and with each list of groups also as a mapping from name to changes."""
    relaxed: Schema = _point_to_layers(deepcopy(definition))
    relaxed.pop("required", None)
    for name, field in relaxed.get("properties", {}).items():
        items = field.get("items", {})
        if "$ref" in items:
            changes = {"type": "object", "additionalProperties": dict(items)}
            replacement = field | {"items": {"$ref": items["$ref"].replace(f"/{_LAYER}", "/")}}
            relaxed["properties"][name] = {"anyOf": [replacement, changes]}
    return relaxed


def _point_to_layers(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: child.replace("#/$defs/", f"#/$defs/{_LAYER}") if key == "$ref" else _point_to_layers(child)
            for key, child in value.items()
        }
    return [_point_to_layers(child) for child in value] if isinstance(value, list) else value


def main() -> None:
    sys.stdout.write(json.dumps(profile_schema(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
