"""Tools that others run, and what is stored elsewhere: both take the request beyond what can be seen here."""

from __future__ import annotations

import re
from typing import Any

from decision_layer.walk.found import Opaque
from decision_layer.walk.texts import Walk

# Tools whose calls come back to the client, who runs them. Any other type is the provider's, or a server's it asks.
_CLIENTS = re.compile(
    r"function|custom|local_shell|apply_patch|computer|computer_use_preview|(?:bash|computer|memory|text_editor)_\d{8}"
)
# Fields of a tool, or of the whole request, that name a server or something stored.
_ELSEWHERE = frozenset(
    [
        "cached_content",
        "connector_id",
        "container",
        "data_sources",
        "file_ids",
        "mcp_servers",
        "server_url",
        "tool_resources",
        "vector_store_ids",
        "web_search_options",
    ]
)


def elsewhere(key: str, value: Any) -> Walk:
    """What a field of the request hands to others, as opaque; its texts are left to the caller."""
    if key == "tools" and value:
        for index, tool in enumerate(value if isinstance(value, list) else [value]):
            if not _is_clients(tool):
                yield Opaque(f"tools[{index}]", "x-tool", "")
    elif key in _ELSEWHERE and value is not None and value != []:
        yield Opaque(key, "x-reference", "")


def _is_clients(tool: Any) -> bool:
    if not isinstance(tool, dict) or not _ELSEWHERE.isdisjoint(tool):
        return False
    kind = tool.get("type")
    if kind is None:
        return "input_schema" in tool or "function" in tool
    return isinstance(kind, str) and _CLIENTS.fullmatch(kind) is not None
