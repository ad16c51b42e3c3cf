"""The gateway with its trail in PostgreSQL: what the one with SQLite does, and 503 while the server is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from decision_layer.audit.backend import Backend
from decision_layer.audit.backends import make_backend
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision
from decision_layer.audit.verify import verify
from decision_layer.gateway.opening import open_trail
from decision_layer.gateway.settings import read_settings
from tests.gateway.running import Lab, running_mocks

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "Name a colour."}]}
PUBLIC = {"x-data-class": "public"}


@pytest.fixture
def stopped(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Lab, Backend]]:
    """Not started yet."""
    server = cluster.server()
    with running_mocks(tmp_path) as lab:
        (tmp_path / "credentials" / "audit_database").write_text(cluster.password.read_text())
        place = {"postgresql": {"url": server.url, "schema": server.schema}}
        lab.settings.write_text(yaml.safe_dump({**yaml.safe_load(lab.settings.read_text()), "audit": place}))
        yield lab, make_backend(tmp_path / "state" / "audit", server)


@pytest.fixture
def stored(stopped: tuple[Lab, Backend]) -> Iterator[tuple[Lab, Backend]]:
    stopped[0].start()
    try:
        yield stopped
    finally:
        stopped[0].stop()


def test_a_server_that_comes_later_is_waited_for_by_one_process(cluster: Cluster, stopped: tuple[Lab, Backend]) -> None:
    lab, _ = stopped
    said = lab.folder / "stderr"
    cluster.control("stop", "-m", "fast")
    try:
        with ThreadPoolExecutor() as pool:
            starting = pool.submit(lab.start)
            deadline = time.monotonic() + 60
            while "waiting for" not in (said.read_text() if said.exists() else ""):
                assert time.monotonic() < deadline, "it does not say that it waits"
                time.sleep(0.1)
            assert not starting.done()
            cluster.control("start")
            starting.result()
        assert lab.process is not None
        assert lab.process.poll() is None
        assert lab.post("/v1/chat/completions", CHAT, **PUBLIC).status_code == 200
    finally:
        lab.stop()


def test_one_that_does_not_come_ends_it(cluster: Cluster, stopped: tuple[Lab, Backend]) -> None:
    lab, _ = stopped
    settings = read_settings(lab.settings)
    keys = AuditKeys.read(lab.folder / "credentials" / "audit")
    cluster.control("stop", "-m", "fast")
    try:
        with pytest.raises(AuditUnavailableError):
            asyncio.run(open_trail(settings, keys, patience_s=1.0))
    finally:
        cluster.control("start")


def test_every_answer_has_its_record_and_none_is_given_without(cluster: Cluster, stored: tuple[Lab, Backend]) -> None:
    lab, backend = stored
    answer = lab.post("/v1/chat/completions", CHAT, **PUBLIC)
    assert answer.status_code == 200
    record = LogReader(backend).of(answer.headers["x-decision-record"])[0].entry
    assert isinstance(record, Decision)
    assert not (backend.directory / "audit.sqlite").exists()
    lab.forget()
    cluster.control("stop", "-m", "fast")
    try:
        for _ in range(3):
            refused = lab.post("/v1/chat/completions", CHAT, **PUBLIC)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "audit_unavailable")
    finally:
        cluster.control("start")
    assert lab.seen("cloud") == lab.seen("home") == []
    assert lab.post("/v1/chat/completions", CHAT, **PUBLIC).status_code == 200
    lab.kill()
    lab.start()
    assert lab.post("/v1/chat/completions", CHAT, **PUBLIC).status_code == 200
    lab.stop()
    keys = AuditKeys.read(lab.folder / "credentials" / "audit")
    report = verify(backend, lab.folder / "second", keys.publics, keys)
    assert (report.troubles, report.not_covered) == ([], "")
    assert sum(row.kind == "decision" for row in LogReader(backend).after(0)) == 3
