"""Files and flags → `Profile`; every value remembers where it came from.

`provision.profile.schema` has the JSON Schema for editors.
"""

from __future__ import annotations

from provision.profile.clients import ClientFile, free_network, read_client, render_client_file
from provision.profile.explain import locate, source_of
from provision.profile.known import ProfileSummary, list_profiles
from provision.profile.load import load_profile

__all__ = [
    "ClientFile",
    "ProfileSummary",
    "free_network",
    "list_profiles",
    "load_profile",
    "locate",
    "read_client",
    "render_client_file",
    "source_of",
]
