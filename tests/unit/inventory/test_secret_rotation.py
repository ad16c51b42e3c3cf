"""Only what a role can bring to a running service is rotated; whatever is not known is left alone."""

from __future__ import annotations

import pytest

from provision.inventory.secret_rotation import find_users, why_kept


@pytest.mark.parametrize(
    ("name", "kind"),
    [("n8n_database_password", "password"), ("vllm_api_key_chat", "token"), ("open_webui_secret_key", "token")],
)
def test_a_way_is_written(name: str, kind: str) -> None:
    assert why_kept(name, kind) is None


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("n8n_encryption_key", "hex32", "never this one"),
        ("langfuse_encryption_key", "hex32", "encrypts what the service stored"),
        ("langfuse_salt", "token", "first start only"),
        ("xn8n_webhook_key", "token", "first start only"),
        ("n8n_owner_password_hash", "bcrypt-of:n8n_owner_password", "follows n8n_owner_password"),
    ],
)
def test_it_is_left_alone_with_a_reason(name: str, kind: str, words: str) -> None:
    assert words in str(why_kept(name, kind))


def test_users_are_the_services_whose_variables_refer_to_it() -> None:
    variables = {
        "n8n_model": {"key": "{{ provision_secrets.llama_cpp_api_key_chat }}"},
        "open_webui_engines": [{"key": "{{ provision_secrets.llama_cpp_api_key_chat }}"}],
        "open_webui_port": 8080,
    }
    assert find_users(variables, ("n8n", "open_webui")) == {"llama_cpp_api_key_chat": {"n8n", "open_webui"}}
