"""A `PROVISION_HOME` of a test's own. pytest's folders are closed to others, and guests must be able to enter."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lab_home_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="provision-test-", dir="/var/tmp"))
    folder.chmod(0o711)
    before = os.environ.get("PROVISION_HOME")
    os.environ["PROVISION_HOME"] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["PROVISION_HOME"]
        else:
            os.environ["PROVISION_HOME"] = before
        shutil.rmtree(folder)
