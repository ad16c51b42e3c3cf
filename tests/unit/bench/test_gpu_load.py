"""Times and sizes read from a server's output, and the limits of every wait."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from bench.gpu_deadline import Deadline, run_command
from bench.gpu_load import Server, measure_load, time_tensors
from provision.errors import RunError


def test_loading_lasts_from_its_own_line_to_the_next_step() -> None:
    lines = [
        (1.0, "I srv    load_model: loading model 'm.gguf'\n"),
        (1.5, "I load_tensors: loading model tensors, this can take a while... (load_mode = mmap)\n"),
        (3.5, "I load_tensors:   CPU_Mapped model buffer size =   235.16 MiB\n"),
        (4.0, "I llama_context: constructing llama_context\n"),
        (9.0, "I srv  llama_server: model loaded\n"),
    ]
    assert time_tensors(lines) == 2.5


def test_a_command_that_lasts_too_long_ends_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    started = time.monotonic()
    with pytest.raises(RunError, match="not done in its time"):
        run_command(["bash", "-c", f"(sleep 1; touch {mark}) & wait"], Deadline(60), 0.2)
    assert time.monotonic() - started < 1
    time.sleep(1.2)
    assert not mark.exists()


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(RunError) as caught:
        run_command([sys.executable, "-c", "import sys; sys.exit('no such card')"], Deadline(60), 10)
    assert "no such card" in caught.value.hint


def test_nothing_starts_when_time_is_up() -> None:
    deadline = Deadline(5, reserve=10)
    with pytest.raises(RunError, match="time for the whole run is up"):
        run_command(["true"], deadline, 1)


def test_a_server_that_dies_is_an_error_with_its_last_words() -> None:
    argv = (sys.executable, "-c", "import sys; print('out of memory'); sys.exit(3)")
    server = Server(argv=argv, environment={}, port=1, key="", prompt=None)
    with pytest.raises(RunError) as caught:
        measure_load(server, lambda process: {"host": 0.0}, Deadline(60))
    assert "ended with 3" in str(caught.value)
    assert "out of memory" in caught.value.hint


def test_one_that_never_answers_is_ended_in_time() -> None:
    server = Server(
        argv=(sys.executable, "-c", "import time; time.sleep(60)"), environment={}, port=1, key="", prompt=None
    )
    started = time.monotonic()
    with pytest.raises(RunError, match="not ready in time"):
        measure_load(server, lambda process: {"host": 0.0}, Deadline(11, reserve=10))
    assert time.monotonic() - started < 10
