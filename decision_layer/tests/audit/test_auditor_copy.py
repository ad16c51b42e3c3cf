"""An auditor's copy verifies with the public key, from either database, and opens nothing that is sealed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from decision_layer.audit.auditor_copy import copy_log
from decision_layer.audit.backend import Backend
from decision_layer.audit.errors import AuditUnavailableError
from decision_layer.audit.reader import LogReader
from decision_layer.audit.sqlite import SqliteBackend
from decision_layer.audit.verify import verify
from tests.audit.samples import KEYS, fill


def test_it_is_whole_and_has_no_keys(backend: Backend, tmp_path: Path) -> None:
    asyncio.run(fill(backend, tmp_path / "second", rounds=2))
    to = tmp_path / "copy"
    rows = list(LogReader(backend).after(0))
    assert copy_log(backend, to) == len(rows)
    copied = SqliteBackend(to)
    assert list(LogReader(copied).after(0)) == rows
    report = verify(copied, tmp_path / "second", KEYS.publics)
    assert (report.troubles, report.not_covered, report.entries) == ([], "", len(rows))
    sealed = next(row for row in rows if row.sealed)
    assert LogReader(backend).open_sealed(sealed, KEYS) is not None
    with pytest.raises(AuditUnavailableError):
        LogReader(copied).open_sealed(sealed, KEYS)
    with pytest.raises(AuditUnavailableError, match="a log already"):
        copy_log(backend, to)


def test_a_log_that_cannot_be_read_is_told(backend: Backend, tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailableError):
        copy_log(backend, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy")
