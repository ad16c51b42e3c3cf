"""The real module on a temporary root: recipes, bundles, switches, and what killed runs leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.stand_ins.faulty_server import serve_faulty

REPOSITORY = Path(__file__).parents[3]
BUILD = 'set -e\nmkdir -p "$1"\necho "${FLAVOUR:-plain} $(cat "$(dirname "$0")/VERSION")" > "$1/program"\n'


@pytest.fixture
def module(load_plugin: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(load_plugin("module_utils", "provision_fetch"), "PAUSE_S", 0.01)
    return load_plugin("modules", "provision_release")


@pytest.fixture
def pack(load_plugin: Callable[[str, str], ModuleType]) -> Callable[[Path], str]:
    packed: Callable[[Path], str] = load_plugin("action", "provision_release").pack_recipe
    return packed


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "recipe"
    folder.mkdir()
    (folder / "VERSION").write_text("1.0\n")
    (folder / "build.sh").write_text(BUILD)
    return folder


@pytest.fixture
def install(module: ModuleType, call_module: Any, pack: Any, recipe: Path, tmp_path: Path) -> Any:
    def run(release: str, check: bool = False, send: bool = True, **more: Any) -> dict[str, Any]:
        if send and "bundle" not in more:
            more["recipe_archive"] = pack(recipe)
        wanted = {"service": "thing", "release": release, "root": str(tmp_path / "opt"), "recipe": str(recipe)}
        answer: dict[str, Any] = call_module(module, check=check, **{**wanted, **more})
        return answer

    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "opt" / "thing"


@pytest.fixture
def bundle(file_server: Any, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "built"
    (folder / "bin").mkdir(parents=True)
    (folder / "program").write_text("from a bundle\n")
    (folder / "bin" / "noise").write_bytes(os.urandom(4000))
    archive = tmp_path / "bundle.tar.zst"
    subprocess.run(["tar", "--zstd", "-C", str(folder), "-cf", str(archive), "."], check=True)
    file_server.files["/bundle"] = archive.read_bytes()
    return {"url": f"{file_server.url}/bundle", "sha256": sha256(archive.read_bytes()).hexdigest()}


def listing(home: Path) -> set[str]:
    return {path.name for path in home.iterdir()} | {path.name for path in (home / "releases").iterdir()}


def test_recipe_is_asked_for_only_when_it_is_needed(install: Any, home: Path) -> None:
    assert install("1.0-a", send=False)["recipe_needed"] is True
    assert not home.exists()
    first = install("1.0-a")
    assert (first["changed"], first["source"]) == (True, "recipe")
    assert (home / "current" / "program").read_text() == "plain 1.0\n"
    second = install("1.0-a", send=False)
    assert (second["changed"], second["recipe_needed"], second["previous"]) == (False, False, "1.0-a")
    assert listing(home) == {".lock", "current", "releases", "1.0-a"}


def test_environment_reaches_the_recipe(install: Any, home: Path) -> None:
    install("1.0-a-hot", environment={"FLAVOUR": "hot"})
    assert (home / "current" / "program").read_text() == "hot 1.0\n"


def test_bundle_is_checked_and_unpacked(install: Any, bundle: dict[str, str], home: Path) -> None:
    answer = install("1.0-a", bundle=bundle)
    assert (answer["changed"], answer["source"]) == (True, "bundle")
    assert (home / "current" / "program").read_text() == "from a bundle\n"
    assert install("1.0-a", bundle=bundle)["changed"] is False
    assert listing(home) == {".lock", "current", "releases", "1.0-a"}


def test_wrong_bundle_is_refused_and_current_stays(install: Any, bundle: dict[str, str], home: Path) -> None:
    install("1.0-a")
    answer = install("1.0-b", bundle={**bundle, "sha256": "0" * 64})
    assert "thrown away" in answer["msg"]
    assert (home / "current").readlink() == Path("releases/1.0-a")
    assert listing(home) == {".lock", "current", "releases", "1.0-a"}


UNPACK = 'set -e; mkdir -p "$1"; ls "$ARTIFACTS" > "$1/given"; tar -xf "$ARTIFACTS/thing.tar.gz" -C "$1"\n'


@pytest.fixture
def artifact(bundle: dict[str, str], recipe: Path) -> dict[str, str]:
    (recipe / "build.sh").write_text(UNPACK)
    return {"file": "thing.tar.gz", **bundle}


def test_recipe_unpacks_what_was_fetched_and_checked(install: Any, artifact: dict[str, str], home: Path) -> None:
    answer = install("1.0-a", artifacts=[artifact])
    assert (answer["changed"], answer["source"]) == (True, "recipe")
    assert (home / "current" / "program").read_text() == "from a bundle\n"
    assert (home / "current" / "given").read_text() == "thing.tar.gz\n"
    assert listing(home) == {".lock", "current", "releases", "1.0-a"}


def test_wrong_artifact_never_reaches_the_recipe(
    install: Any, recipe: Path, artifact: dict[str, str], home: Path, tmp_path: Path
) -> None:
    (recipe / "build.sh").write_text(BUILD)
    install("1.0-a")
    (recipe / "build.sh").write_text(f"touch {tmp_path}/it-ran\n")
    answer = install("1.0-b", artifacts=[{**artifact, "sha256": "0" * 64}])
    assert "thrown away" in answer["msg"]
    assert not (tmp_path / "it-ran").exists()
    assert (home / "current").readlink() == Path("releases/1.0-a")


def test_what_was_fetched_outlives_a_failed_recipe(
    install: Any, recipe: Path, artifact: dict[str, str], file_server: Any, home: Path
) -> None:
    (recipe / "build.sh").write_text("exit 7\n")
    assert "exit status 7" in install("1.0-a", artifacts=[artifact])["msg"]
    del file_server.files["/bundle"]
    (recipe / "build.sh").write_text(UNPACK)
    assert install("1.0-a", artifacts=[artifact])["changed"] is True
    assert not (home / ".downloads").exists()


def test_name_of_an_artifact_is_no_path(install: Any, artifact: dict[str, str]) -> None:
    assert "no file name" in install("1.0-a", artifacts=[{**artifact, "file": "../x"}])["msg"]


def test_failed_recipe_tells_its_last_lines(install: Any, recipe: Path, home: Path) -> None:
    (recipe / "build.sh").write_text('mkdir -p "$1"; echo the reason >&2; exit 7\n')
    answer = install("1.0-a")
    assert "exit status 7" in answer["msg"]
    assert "the reason" in answer["msg"]
    assert not (home / "current").exists()
    (recipe / "build.sh").write_text(BUILD)
    assert not list((home / "releases").iterdir()), "a half release takes no room until the next run"
    assert install("1.0-a")["changed"] is True


def test_rollback_needs_no_recipe(install: Any, home: Path) -> None:
    install("1.0-a")
    install("1.0-b")
    answer = install("1.0-a", send=False)
    assert (answer["changed"], answer["source"], answer["previous"]) == (True, "present", "1.0-b")
    assert (home / "current").readlink() == Path("releases/1.0-a")


def test_release_stays_on_trial_until_it_has_answered(install: Any, home: Path) -> None:
    """Also for the run after one that was killed between the switch and the first start."""
    assert install("1.0-a")["on_trial"] is False, "there is nothing to go back to"
    (home / ".proven").write_text("1.0-a\n")
    assert install("1.0-a")["on_trial"] is False
    assert install("1.0-b")["on_trial"] is True
    again = install("1.0-b")
    assert (again["changed"], again["on_trial"]) == (False, True)
    (home / ".proven").write_text("1.0-b\n")
    assert install("1.0-b")["on_trial"] is False


def test_old_releases_go_and_the_last_used_stays(install: Any, home: Path) -> None:
    for release in ("1.0-a", "1.0-b"):
        install(release)
    install("1.0-a")
    assert install("1.0-c")["removed"] == ["1.0-b"]
    assert {path.name for path in (home / "releases").iterdir()} == {"1.0-a", "1.0-c"}


def test_leftovers_of_a_killed_run_are_removed(install: Any, home: Path) -> None:
    (home / "releases" / "1.0-a" / "half").mkdir(parents=True)
    (home / ".work-xyz" / "release").mkdir(parents=True)
    (home / ".current-new").symlink_to("releases/elsewhere")
    answer = install("1.0-a")
    assert sorted(answer["removed"]) == [".work-xyz", "1.0-a"]
    assert not (home / "releases" / "1.0-a" / "half").exists()
    assert listing(home) == {".lock", "current", "releases", "1.0-a"}


def test_check_mode_changes_nothing(install: Any, home: Path) -> None:
    assert install("1.0-a", check=True)["changed"] is True
    assert not home.exists()


def test_missing_release_without_any_source_is_refused(module: ModuleType, call_module: Any, tmp_path: Path) -> None:
    answer = call_module(module, service="thing", release="1.0-a", root=str(tmp_path))
    assert "neither bundle nor recipe" in answer["msg"]


def test_kill_while_building_then_a_run_that_waits_for_the_orphan(
    install: Any, recipe: Path, home: Path, tmp_path: Path, pack: Any
) -> None:
    """The killed module leaves its build running; the next run must not build beside it in the same folder."""
    (recipe / "build.sh").write_text('mkdir -p "$1"; touch "$1/orphan"; sleep 1.5; touch "$1/late"\n')
    script = (
        "import sys, importlib.util as u\n"
        "def load(name, path):\n"
        "    s = u.spec_from_file_location(name, path); m = u.module_from_spec(s); sys.modules[name] = m\n"
        "    s.loader.exec_module(m); return m\n"
        "load('ansible.module_utils.provision_fetch', sys.argv[1] + '/module_utils/provision_fetch.py')\n"
        "load('ansible.module_utils.provision_trial', sys.argv[1] + '/module_utils/provision_trial.py')\n"
        "m = load('provision_release', sys.argv[1] + '/modules/provision_release.py')\n"
        "m.install(dict(service='thing', release='1.0-a', root=sys.argv[2], recipe='x', bundle={}, artifacts=[],\n"
        "               recipe_archive=sys.argv[3], environment={}, keep=2), False)\n"
    )
    argv = [sys.executable, "-c", script, str(REPOSITORY / "plugins"), str(tmp_path / "opt"), pack(recipe)]
    process = subprocess.Popen(argv)
    orphan = home / "releases" / "1.0-a" / "orphan"
    deadline = time.monotonic() + 20
    while not orphan.exists():
        assert time.monotonic() < deadline, "the build never began"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (recipe / "build.sh").write_text(BUILD)
    assert install("1.0-a")["changed"] is True
    time.sleep(0.2)
    assert sorted(path.name for path in (home / "releases" / "1.0-a").iterdir()) == [".complete", "program"]
    assert listing(home) == {".lock", "current", "releases", "1.0-a"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("corrupt", "thrown away"),
        ("truncated", "thrown away"),
        ("cut", "bytes early"),
        ("slow", "bytes per second"),
        ("503", "answers 503"),
    ],
)
def test_faulty_server_changes_nothing_and_the_next_run_mends_it(
    install: Any, bundle: dict[str, str], file_server: Any, home: Path, monkeypatch: pytest.MonkeyPatch,
    fault: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys.modules["ansible.module_utils.provision_fetch"], "WINDOW_S", 0.3)
    install("1.0-a")
    with serve_faulty(file_server.files["/bundle"]) as server:
        server.fault = fault
        answer = install("1.0-b", bundle={**bundle, "url": server.url})
        assert said in answer["msg"]
        assert answer["hint"]
        assert (home / "current").readlink() == Path("releases/1.0-a")
        assert not (home / "releases" / "1.0-b").exists()
        server.fault = ""
        assert install("1.0-b", bundle={**bundle, "url": server.url})["changed"] is True
    assert (home / "current" / "program").read_text() == "from a bundle\n"


def test_reset_is_gone_on_with(install: Any, bundle: dict[str, str], file_server: Any) -> None:
    with serve_faulty(file_server.files["/bundle"]) as server:
        server.fault = "reset"
        assert install("1.0-a", bundle={**bundle, "url": server.url})["changed"] is True
        assert server.ranges == [None, f"bytes={len(server.content) // 2}-"]


def test_full_disk_is_seen_before_the_download(
    install: Any, bundle: dict[str, str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    class Usage:
        free = 10

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    answer = install("1.0-a", bundle=bundle)
    assert "MiB free" in answer["msg"]
    assert "free at least 1 MiB" in answer["hint"]
    assert not (home / "current").exists()
