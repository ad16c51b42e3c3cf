#!/usr/bin/python
"""Install one release of a service and switch to it, in one round trip.

Runs on the target's own Python (3.11 on Debian 12): standard library and ansible.module_utils only.
The action plugin of the same name sends the recipe along when, and only when, it is needed.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.provision_fetch import MIB, FetchError, LockedError, fetch, hash_file, hold_lock
from ansible.module_utils.provision_trial import Trial

DOCUMENTATION = r"""
module: provision_release
short_description: Install a release under /opt and point current at it
description:
  - A release is whole when it has a file C(.complete), which is written last.
  - What a killed run left (half a release, working folders) is removed by the next one.
  - Two runs at once wait for each other; the lock is also held by a build whose Ansible run is gone.
options:
  service:
    description: Name of the folder under C(root).
    type: str
    required: true
  release:
    description: Release id, the name of the folder under C(releases).
    type: str
    required: true
  recipe:
    description: Recipe folder on the controller, run on the target where no bundle is given.
    type: path
  recipe_archive:
    description: The recipe as base64 of a tar.gz; the action plugin fills it.
    type: str
  bundle:
    description: Ready-built release, C(url) of a .tar.zst of the folder's contents, and its C(sha256).
    type: dict
    default: {}
  artifacts:
    description:
      - Files of upstream for the recipe, each C(file), C(url) and C(sha256). The recipe finds them in the folder
        C($ARTIFACTS). What was fetched is kept until the release is whole, so a killed run goes on from there.
    type: list
    elements: dict
    default: []
  environment:
    description: Variables for the recipe's build.sh.
    type: dict
    default: {}
  keep:
    description: How many complete releases stay, the current one included.
    type: int
    default: 2
  root:
    description: Where services are installed.
    type: path
    default: /opt
author: provision
"""

EXAMPLES = r"""
- name: Release
  provision_release:
    service: llama-cpp
    release: 11434.0.0-0123456789ab
    recipe: roles/llama_cpp/files/recipe
"""

RETURN = r"""
path: {description: Folder of the release., returned: always, type: str}
previous: {description: Release that C(current) pointed at before, or an empty string., returned: always, type: str}
source: {description: 'One of present, bundle, recipe.', returned: always, type: str}
removed: {description: Releases and leftovers that were removed., returned: always, type: list}
on_trial:
  description: Whether the current release has yet to answer, and there is one to go back to; also after a killed run.
  returned: always
  type: bool
recipe_needed: {description: Whether the action plugin must send the recipe., returned: always, type: bool}
"""

SPEC: dict[str, Any] = {
    "service": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "recipe": {"type": "path"},
    "recipe_archive": {"type": "str"},
    "bundle": {"type": "dict", "default": {}},
    "artifacts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {name: {"type": "str", "required": True} for name in ("file", "url", "sha256")},
    },
    "environment": {"type": "dict", "default": {}},
    "keep": {"type": "int", "default": 2},
    "root": {"type": "path", "default": "/opt"},
}
COMPLETE = ".complete"
WORK = ".work-"
DOWNLOADS = ".downloads"
LOG_LINES = 30


class Refused(Exception):
    """The release cannot be installed; the message says why, `hint` what to do where that is known."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def is_complete(folder: Path) -> bool:
    return (folder / COMPLETE).is_file()


def read_current(home: Path) -> str:
    """Release id that `current` points at, or an empty string."""
    link = home / "current"
    return link.readlink().name if link.is_symlink() else ""


def remove_leftovers(home: Path) -> list[str]:
    """Remove working folders and unfinished releases of killed runs. The lock is held."""
    found = list(home.glob(f"{WORK}*"))
    found += [path for path in (home / "releases").iterdir() if not is_complete(path)]
    for path in found:
        shutil.rmtree(path)
    return [path.name for path in found]


def unpack_bundle(bundle: dict[str, Any], folder: Path, work: Path) -> None:
    """Download, check and unpack beside the wanted place, then rename. Raises Refused or FetchError."""
    if not shutil.which("zstd"):
        raise Refused("a bundle needs zstd on the target: apt-get install zstd")
    archive = work / "bundle.tar.zst"
    fetch(bundle["url"], bundle["sha256"], archive)
    fresh = work / "release"
    fresh.mkdir(mode=0o755)
    run(["tar", "--zstd", "--no-same-owner", "-xf", str(archive), "-C", str(fresh)], fresh, "unpacking the bundle")
    mark_complete(fresh, f"bundle {bundle['sha256']}")
    fresh.rename(folder)


def run_recipe(wanted: dict[str, Any], folder: Path, work: Path, lock: int) -> None:
    """Run build.sh straight into the final folder, since what it installs may hold that path. Raises Refused."""
    recipe = work / "recipe"
    recipe.mkdir()
    archive = work / "recipe.tar.gz"
    archive.write_bytes(base64.b64decode(wanted["recipe_archive"]))
    run(["tar", "-xzf", str(archive), "-C", str(recipe)], recipe, "unpacking the recipe")
    temporary = work / "tmp"
    temporary.mkdir()
    settings = {name: str(value) for name, value in wanted["environment"].items()}
    artifacts = fetch_artifacts(wanted["artifacts"], work)
    environment = os.environ | settings | {"TMPDIR": str(temporary), "ARTIFACTS": str(artifacts)}
    argv = ["bash", str(recipe / "build.sh"), str(folder)]
    run(argv, recipe, f"the recipe of {wanted['service']}", environment, (lock,))
    mark_complete(folder, "recipe")


def fetch_artifacts(artifacts: list[dict[str, str]], work: Path) -> Path:
    """A folder with upstream's files under their own names. Raises FetchError, or Refused for a name that is a path."""
    folder, kept = work / "artifacts", work.parent / DOWNLOADS
    folder.mkdir()
    kept.mkdir(mode=0o700, exist_ok=True)
    for artifact in artifacts:
        if Path(artifact["file"]).name != artifact["file"]:
            raise Refused(f"{artifact['file']!r} is no file name")
        download = kept / artifact["sha256"]
        if not download.is_file() or hash_file(download) != artifact["sha256"]:
            fetch(artifact["url"], artifact["sha256"], download)
        (folder / artifact["file"]).hardlink_to(download)
    return folder


def run(
    argv: list[str], cwd: Path, what: str, environment: dict[str, str] | None = None, keep: tuple[int, ...] = ()
) -> None:
    """Run a command with its output in a log. Raises Refused with the log's last 30 lines."""
    log = cwd.parent / "output.log"
    with log.open("wb") as stream:
        result = subprocess.run(
            argv, cwd=cwd, env=environment, pass_fds=keep, stdin=subprocess.DEVNULL,
            stdout=stream, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if result.returncode:
        if shutil.disk_usage(cwd).free < MIB:
            home = cwd.parent.parent
            raise Refused(f"{what} failed: the disk of {home} is full", f"free some space below {home}, then run again")
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        raise Refused(f"{what} failed with exit status {result.returncode}; its last lines:\n{tail}")


def mark_complete(folder: Path, source: str) -> None:
    """Write the last file of a release, which makes it one."""
    folder.chmod(0o755)
    (folder / COMPLETE).write_text(f"{source}\n")


def switch_current(home: Path, release: str) -> None:
    """Point `current` at the release by one rename."""
    fresh = home / ".current-new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(Path("releases") / release)
    fresh.replace(home / "current")
    os.utime(home / "releases" / release / COMPLETE)


def remove_old(home: Path, current: str, keep: int) -> list[str]:
    """Remove complete releases beyond `keep`, oldest use first, never the current one."""
    others = [path for path in (home / "releases").iterdir() if path.name != current]
    others.sort(key=lambda path: (path / COMPLETE).stat().st_mtime, reverse=True)
    old = others[max(keep - 1, 0) :]
    for path in old:
        (path / COMPLETE).unlink()  # First, so that a kill half-way leaves nothing that looks whole.
        shutil.rmtree(path)
    return [path.name for path in old]


def make_release(wanted: dict[str, Any], home: Path, folder: Path, lock: int) -> str:
    """Bring the release's folder to be. Returns where it came from. Raises Refused or FetchError."""
    work = Path(tempfile.mkdtemp(prefix=WORK, dir=home))
    try:
        if wanted["bundle"]:
            unpack_bundle(wanted["bundle"], folder, work)
            return "bundle"
        run_recipe(wanted, folder, work, lock)
        return "recipe"
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # At once: what runs here may need the room.
        raise
    finally:
        shutil.rmtree(work)


def install(wanted: dict[str, Any], dry: bool) -> dict[str, Any]:
    """Everything, in order. Returns the module's result. Raises Refused, FetchError or LockedError."""
    home = Path(wanted["root"]) / wanted["service"]
    folder = home / "releases" / wanted["release"]
    previous = read_current(home)
    result: dict[str, Any] = {"path": str(folder), "previous": previous, "source": "present", "removed": []}
    result |= {"on_trial": False, "recipe_needed": False}
    if is_complete(folder) and previous == wanted["release"]:
        return result | {"changed": False, "on_trial": Trial(home, None).is_on}
    if dry:
        return result | {"changed": True}
    if not is_complete(folder) and not wanted["bundle"] and not wanted["recipe_archive"]:
        if not wanted["recipe"]:
            raise Refused(f"release {wanted['release']} is not there, and neither bundle nor recipe is given")
        return result | {"changed": False, "recipe_needed": True}
    (home / "releases").mkdir(parents=True, exist_ok=True)
    for made in (home, home / "releases"):
        made.chmod(0o755)
    with hold_lock(home) as lock:
        removed = remove_leftovers(home)
        if not is_complete(folder):
            result["source"] = make_release(wanted, home, folder, lock)
            shutil.rmtree(home / DOWNLOADS, ignore_errors=True)
        switch_current(home, wanted["release"])
        result["removed"] = removed + remove_old(home, wanted["release"], wanted["keep"])
    return result | {"changed": True, "on_trial": Trial(home, None).is_on}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = install(module.params, module.check_mode)
    except (Refused, FetchError) as error:
        module.fail_json(msg=str(error), hint=error.hint)
    except LockedError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename or wanted_name(module.params)}: {error.strerror}")
    module.exit_json(**result)


def wanted_name(params: dict[str, Any]) -> str:
    """What to name in an error of the system that names no file."""
    return f"release {params['release']} of {params['service']}"


if __name__ == "__main__":
    main()
