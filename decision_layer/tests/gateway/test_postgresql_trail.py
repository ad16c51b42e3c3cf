"""The gateway with its trail in PostgreSQL: what the one with SQLite does, and 503 while the server is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from decision_layer.audit.backend import Backend
from decision_layer.audit.backends import make_backend
from decision_layer.audit.keyring import AuditKeys
from decision_layer.audit.reader import LogReader
from decision_layer.audit.record import Decision
from decision_layer.audit.verify import verify
from tests.gateway.running import Lab, running_mocks

if TYPE_CHECKING:
    from tests.audit.clusters import Cluster

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "Name a colour."}]}
PUBLIC = {"x-data-class": "public"}


@pytest.fixture
def stored(cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Lab, Backend]]:
    server = cluster.server()
    with running_mocks(tmp_path) as lab:
        (tmp_path / "credentials" / "audit_database").write_text(cluster.password.read_text())
        place = {"postgresql": {"url": server.url, "schema": server.schema}}
        lab.settings.write_text(yaml.safe_dump({**yaml.safe_load(lab.settings.read_text()), "audit": place}))
        lab.start()
        try:
            yield lab, make_backend(tmp_path / "state" / "audit", server)
        finally:
            lab.stop()


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
