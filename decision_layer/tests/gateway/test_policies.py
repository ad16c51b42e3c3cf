"""The newest policy that was in use is remembered: an older one cannot be put back, by no restart either."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from decision_layer.gateway.policies import load_current, remember
from decision_layer.gateway.settings import Settings
from decision_layer.policy.load import PolicyError
from tests.gateway.running import EXAMPLE, Lab, running_lab


def settings_of(folder: Path) -> Settings:
    return Settings(policy=folder / "policy.yml", credentials=folder, state=folder / "state")


def put(folder: Path, version: int, **more: Any) -> Settings:
    document = {**yaml.safe_load(EXAMPLE.read_text()), "version": version, **more}
    (folder / "policy.yml").write_text(yaml.safe_dump(document))
    return settings_of(folder)


def use(settings: Settings) -> int:
    """As at a start: read, found good, in use."""
    loaded = load_current(settings)
    remember(settings, loaded)
    return loaded.policy.version


def test_what_was_in_use_may_start_again_and_a_newer_one_may(tmp_path: Path) -> None:
    assert [use(put(tmp_path, version)) for version in (3, 3, 5, 5)] == [3, 3, 5, 5]


@pytest.mark.parametrize("version", [1, 4, 5])
def test_an_older_one_and_another_of_the_same_number_are_refused(tmp_path: Path, version: int) -> None:
    use(put(tmp_path, 5))
    with pytest.raises(PolicyError, match=f"version {version} is not newer than version 5"):
        load_current(put(tmp_path, version, name="other"))


def test_one_that_never_came_into_use_bars_nothing(tmp_path: Path) -> None:
    """Its keys were missing, say: the one before it may go on."""
    use(put(tmp_path, 3))
    load_current(put(tmp_path, 9))
    assert use(put(tmp_path, 3)) == 3


@pytest.mark.parametrize("content", ["", "5", "x y", "5 " + "0" * 64 + " more", "-5 " + "0" * 64])
def test_a_memory_that_cannot_be_read_is_no_licence(tmp_path: Path, content: str) -> None:
    settings = put(tmp_path, 5)
    use(settings)
    (settings.state / "policies" / "newest").write_text(content)
    with pytest.raises(PolicyError, match="newest"):
        load_current(settings)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Lab]:
    with running_lab(tmp_path) as lab:
        yield lab


def test_a_restart_does_not_take_back_an_older_policy(own: Lab) -> None:
    document = yaml.safe_load(own.policy.read_text())
    newer = {**document, "version": 5}
    own.policy.write_text(yaml.safe_dump(newer))
    before = httpx.get(own.url + "/health").json()["policy"]
    own.reload()
    deadline = time.monotonic() + 20
    while httpx.get(own.url + "/health").json()["policy"] == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    own.stop()
    own.policy.write_text(yaml.safe_dump({**document, "version": 2}))
    argv = [sys.executable, "-m", "decision_layer", "serve", "--settings", str(own.settings)]
    refused = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    assert (refused.returncode, "version 2 is not newer than version 5" in refused.stderr) == (3, True)
    own.policy.write_text(yaml.safe_dump(newer))
    own.start()
