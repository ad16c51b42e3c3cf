"""Tools that somebody else runs, and what is stored at a provider, are opaque: they stay at home like any file."""

from __future__ import annotations

from typing import Any

import pytest

from decision_layer.walk import Walked, collect, walk_chat, walk_messages, walk_responses

ASKED = {"messages": [{"role": "user", "content": "a"}]}
SCHEMA = {"type": "object", "properties": {"file_id": {"type": "string"}}}


def responses(**more: Any) -> Walked:
    return collect(walk_responses, {"input": "a", **more})


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "mcp", "server_label": "x", "server_url": "https://mcp.example/"},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "code_interpreter", "container": "cntr_1"},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}},
        {"type": "web_search"},
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "mcp_toolset", "mcp_server_name": "x"},
        {"google_search": {}},
        {"name": "f", "input_schema": SCHEMA, "server_url": "https://mcp.example/"},
        "web_search",
    ],
)
def test_tools_that_others_run_are_opaque(tool: Any) -> None:
    assert [o.media_type for o in responses(tools=[tool]).opaque] == ["x-tool"]
    assert collect(walk_messages, {**ASKED, "tools": [tool]}).opaque
    assert collect(walk_chat, {**ASKED, "tools": [tool]}).opaque


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "parameters": SCHEMA}},
        {"type": "function", "name": "f", "parameters": SCHEMA},
        {"name": "f", "input_schema": SCHEMA},
        {"type": "custom", "name": "f", "input_schema": SCHEMA},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
        {"type": "local_shell"},
    ],
)
def test_tools_that_the_client_runs_are_not(tool: dict[str, Any]) -> None:
    assert responses(tools=[tool]).opaque == ()
    assert collect(walk_chat, {**ASKED, "tools": [tool]}).opaque == ()


@pytest.mark.parametrize(
    "field",
    [
        {"container": "cont_1"},
        {"container": {"id": "cont_1", "skills": []}},
        {"mcp_servers": [{"type": "url", "url": "https://mcp.example/", "name": "x"}]},
        {"vector_store_ids": ["vs_1"]},
        {"file_ids": ["file-1"]},
        {"web_search_options": {}},
        {"data_sources": [{"type": "azure_search"}]},
        {"cached_content": "cachedContents/1"},
    ],
)
def test_what_is_stored_or_run_elsewhere_is_opaque(field: dict[str, Any]) -> None:
    assert collect(walk_messages, {**ASKED, **field}).opaque
    assert collect(walk_chat, {**ASKED, **field}).opaque
    assert responses(**field).opaque


def test_nothing_is_no_reference() -> None:
    nothing: dict[str, Any] = {"tools": [], "container": None, "mcp_servers": [], "tool_choice": "auto"}
    assert collect(walk_chat, {**ASKED, **nothing}).opaque == ()
    assert responses(metadata={"file_id": "7", "container": "8"}).opaque == ()


def test_a_container_of_an_earlier_call_is_a_reference() -> None:
    item = {"type": "code_interpreter_call", "id": "x", "code": "print()", "container_id": "cntr_1", "outputs": []}
    assert [o.media_type for o in collect(walk_responses, {"input": [item]}).opaque] == ["x-reference"]
