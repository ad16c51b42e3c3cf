"""Whatever is written in a profile, nothing but a ProvisionError or an ErrorGroup comes out of the loader."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.errors import ErrorGroup, ProvisionError
from provision.models.profile import Profile
from provision.profile import load_profile
from provision.profile.schema import profile_schema
from tests.unit.bad_profiles.texts import COMPLETE

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["24GiB", "{{ x }}", "\ud800", "\0"]),
)
JUNK = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
PLACES = st.sampled_from(
    [
        "name", "client", "platform", "platform.host", "hardware", "hardware.gpus", "hardware.gpus.0",
        "hardware.gpus.0.vram", "hardware.gpus.0.count", "hardware.memory", "network", "network.cidr",
        "network.admin_networks", "workload", "workload.models", "workload.models.0.gpus", "machines",
        "machines.0", "machines.0.address", "machines.0.services", "access", "access.chat_port", "extends",
    ]
)  # fmt: skip
QUICK = settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def load(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rig.yml"
        path.write_bytes(content)
        check(str(path))


def check(name: str, overrides: tuple[str, ...] = ()) -> None:
    """Load; every error must be complete and printable."""
    errors: tuple[ProvisionError, ...] = ()
    try:
        assert isinstance(load_profile(name, overrides=overrides).profile, Profile)
    except ErrorGroup as group:
        errors = group.errors
    for error in errors:
        assert isinstance(error, ProvisionError)
        assert error.what
        assert error.where
        assert error.hint
        assert str(error).replace("\n", "").isprintable()
        assert str(error).count("\n") == 2


@QUICK
@given(place=PLACES, junk=JUNK)
def test_junk_in_any_place(place: str, junk: object) -> None:
    profile = yaml.safe_load(COMPLETE)
    target = profile
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    for step in way:
        target = target[step] if isinstance(step, int) else target.setdefault(step, {})
    target[last] = junk
    load(yaml.safe_dump(profile, allow_unicode=True).encode("utf-8", "surrogatepass"))


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes(content: bytes) -> None:
    load(content)


@QUICK
@given(st.text(alphabet=st.sampled_from("ab:-?[]{},&*!|>'\"%@`#\n \t\\x0u<=~."), max_size=120))
def test_any_marks_of_yaml(text: str) -> None:
    load(text.encode())
    load(f"extends: sme-2x4090\nname: rig\ndescription: {text}\n".encode())


@QUICK
@given(text=st.text(max_size=40), key=st.sampled_from(["", "host=", "hardware.memory=", "machines.0.", "a."]))
def test_any_setting(text: str, key: str) -> None:
    check("cpu-small", (key + text,))


@QUICK
@given(st.text(max_size=40))
def test_any_name(name: str) -> None:
    check(name)


def test_the_places_are_in_the_schema() -> None:
    """Else a renamed field would leave the tests above testing unknown keys only."""
    fields = {"name", "client", "platform", "hardware", "network", "workload", "machines", "access"}
    assert fields <= set(profile_schema()["$defs"]["Profile"]["properties"])
