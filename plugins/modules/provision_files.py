#!/usr/bin/python
"""Bring many small files, folders and links into the wanted state in one round trip.

Every Ansible task costs a round trip per host, and a loop one per item. This module takes
the whole list. It must run on the target's own Python (3.11 on Debian 12), so it uses nothing
but the standard library.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.provision_quiet import QuietModule

DOCUMENTATION = r"""
module: provision_files
short_description: Write many files, folders and links in one round trip
description:
  - Compares every entry with the machine and changes only what differs.
  - All files with a C(validate) command are validated before the first file of the task is written.
  - Each file is written beside its place, synced and renamed: a full disk or a kill leaves the old one.
options:
  directories:
    description: Folders, made in the given order; mode defaults to 0755, owner and group to root.
    type: list
    elements: dict
    default: []
  files:
    description:
      - Exactly one of C(content), C(secret_content), C(template) and C(secret_template) each.
      - A template is the name of one of the role's templates. Mode defaults to 0644, owner and group to root.
      - What is secret never shows in a result, a diff, a log or an error.
      - C(validate) is a command (no shell) with C(%s) for a copy of the new file that has the same file name.
    type: list
    elements: dict
    default: []
  links:
    description: Symbolic links, each switched by one rename.
    type: list
    elements: dict
    default: []
  absent:
    description: Files and links that must not exist. A folder is refused.
    type: list
    elements: path
    default: []
  derive:
    description:
      - Products (C(product), C(sources), C(command)) made anew when a source is newer or the product is missing.
      - Times are compared, as make does, so that a run that was killed before the command is healed by the next.
    type: list
    elements: dict
    default: []
author: provision
"""

EXAMPLES = r"""
- name: Configuration
  provision_files:
    directories:
      - {path: /etc/n8n, group: n8n, mode: "0750"}
    files:
      - path: /etc/n8n/n8n.env
        secret_template: n8n.env.j2
        group: n8n
        mode: "0640"
      - path: /etc/systemd/system/n8n.service
        template: n8n.service.j2
    links:
      - {path: /opt/n8n/current, target: /opt/n8n/releases/2.41.1-0123456789ab}
"""

RETURN = r"""
changed_paths:
  description: What was (in check mode would be) changed, in order.
  returned: always
  type: list
"""

ATTRIBUTES = {
    "path": {"type": "path", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}
SPEC: dict[str, Any] = {
    "directories": {
        "type": "list", "elements": "dict", "default": [],
        "options": {**ATTRIBUTES, "mode": {"type": "str", "default": "0755"}},
    },
    "files": {
        "type": "list", "elements": "dict", "default": [],
        "options": {
            **ATTRIBUTES,
            "mode": {"type": "str", "default": "0644"},
            "content": {"type": "str"},
            "secret_content": {"type": "str", "no_log": True},
            "validate": {"type": "str"},
        },
        "mutually_exclusive": [("content", "secret_content")],
        "required_one_of": [("content", "secret_content")],
    },
    "links": {
        "type": "list", "elements": "dict", "default": [],
        "options": {"path": {"type": "path", "required": True}, "target": {"type": "path", "required": True}},
    },
    "absent": {"type": "list", "elements": "path", "default": []},
    "derive": {
        "type": "list", "elements": "dict", "default": [],
        "options": {
            "product": {"type": "path", "required": True},
            "sources": {"type": "list", "elements": "path", "default": []},
            "command": {"type": "str", "required": True},
        },
    },
}  # fmt: skip

NOT_FOUND = 127  # the exit code of a shell or env for a command that does not exist


class Refused(Exception):
    """The wanted state cannot be reached; the message names the path and the reason."""


def find_ids(entry: dict[str, Any]) -> tuple[int, int]:
    """Numeric owner and group of an entry. Raises Refused when the machine does not know the name."""
    try:
        return pwd.getpwnam(entry["owner"]).pw_uid, grp.getgrnam(entry["group"]).gr_gid
    except KeyError as error:
        raise Refused(f"{entry['path']}: {error.args[0]}") from None


def attributes_differ(found: os.stat_result, entry: dict[str, Any]) -> bool:
    """Whether mode, owner or group is not the wanted one."""
    wanted = (int(entry["mode"], 8), *find_ids(entry))
    return (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) != wanted


def stat_link(path: str) -> os.stat_result | None:
    """What lies at the path itself (a link is not followed), or None."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def text_of(entry: dict[str, Any]) -> bytes:
    """The wanted bytes of a file entry; a final newline is kept or added, since Jinja drops it."""
    text: str = entry["content"] if entry["content"] is not None else entry["secret_content"]
    return (text if text.endswith("\n") or not text else text + "\n").encode()


def file_differs(entry: dict[str, Any]) -> bool:
    """Whether bytes or attributes of the file are not the wanted ones. Refuses to replace a folder."""
    found = stat_link(entry["path"])
    if found is None:
        return True
    if stat.S_ISDIR(found.st_mode):
        raise Refused(f"{entry['path']} is a folder, and a file is wanted there")
    if not stat.S_ISREG(found.st_mode) or attributes_differ(found, entry):
        return True
    return Path(entry["path"]).read_bytes() != text_of(entry)


def validate_file(entry: dict[str, Any], dry: bool) -> None:
    """Run the entry's validator on a copy that nobody else can read. Raises Refused with its words."""
    with tempfile.TemporaryDirectory(prefix="provision-files-") as folder:
        copy = Path(folder) / Path(entry["path"]).name
        copy.touch(mode=0o600)
        copy.write_bytes(text_of(entry))
        argv = [part.replace("%s", str(copy)) for part in shlex.split(entry["validate"])]
        try:
            result = subprocess.run(argv, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            result = subprocess.CompletedProcess(argv, NOT_FOUND, "", f"{error.filename} is not installed")
    if dry and result.returncode == NOT_FOUND:
        return  # the package with the validator is still to be installed
    if result.returncode:
        words = (result.stdout + result.stderr).strip().replace(str(copy), entry["path"])
        if entry["content"] is None:
            words = "its words are withheld, since the file is secret"
        raise Refused(f"{entry['path']}: {argv[0]} refused the new file (exit {result.returncode}): {words}")


def write_file(entry: dict[str, Any]) -> None:
    """Write beside the file, sync, rename: readers see the old file or the new one, never a part."""
    target = Path(entry["path"])
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".provision", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text_of(entry))
            stream.flush()
            os.fchown(descriptor, *find_ids(entry))
            os.fchmod(descriptor, int(entry["mode"], 8))
            os.fsync(descriptor)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def describe_change(entry: dict[str, Any]) -> dict[str, str]:
    """One entry of Ansible's diff. Secrets are only said to differ."""
    if entry["content"] is None:
        return {"before": "(secret)\n", "after": "(secret, differs)\n", "header": entry["path"]}
    found = stat_link(entry["path"])
    old = Path(entry["path"]).read_text(errors="replace") if found and stat.S_ISREG(found.st_mode) else ""
    return {
        "before": old,
        "after": text_of(entry).decode(),
        "before_header": entry["path"],
        "after_header": f"{entry['path']} {entry['owner']}:{entry['group']} {entry['mode']}",
    }


def make_directory(entry: dict[str, Any], dry: bool) -> bool:
    """Make a folder or set its attributes. Returns whether something differed."""
    found = stat_link(entry["path"])
    if found is not None and not stat.S_ISDIR(found.st_mode):
        raise Refused(f"{entry['path']} is not a folder, and a folder is wanted there")
    if found is not None and not attributes_differ(found, entry):
        return False
    if not dry:
        Path(entry["path"]).mkdir(parents=True, exist_ok=True)
        os.chown(entry["path"], *find_ids(entry))
        Path(entry["path"]).chmod(int(entry["mode"], 8))
    return True


def switch_link(entry: dict[str, Any], dry: bool) -> bool:
    """Point a link at its target by one rename. Returns whether it pointed elsewhere."""
    path = Path(entry["path"])
    if path.is_symlink() and str(path.readlink()) == entry["target"]:
        return False
    if path.exists() and not path.is_symlink():
        raise Refused(f"{path} is not a link, and a link is wanted there")
    if not dry:
        fresh = path.with_name(f".{path.name}.provision-link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(entry["target"])
        fresh.replace(path)
    return True


def remove_path(path: str, dry: bool) -> bool:
    """Remove a file or link. Returns whether there was one."""
    found = stat_link(path)
    if found is None:
        return False
    if stat.S_ISDIR(found.st_mode):
        raise Refused(f"{path} is a folder; only files and links are removed")
    if not dry:
        Path(path).unlink()
    return True


def derive(entry: dict[str, Any], changed: list[str], dry: bool) -> bool:
    """Make a product whose source is newer. Returns whether it was due. Raises Refused with the command's words."""
    made = stat_link(entry["product"])
    times = [found.st_mtime for path in entry["sources"] if (found := stat_link(path))]
    if made and not any(time > made.st_mtime for time in times) and not (dry and set(entry["sources"]) & set(changed)):
        return False
    if not dry:
        result = subprocess.run(shlex.split(entry["command"]), capture_output=True, text=True, check=False)
        if result.returncode:
            words = (result.stdout + result.stderr).strip()
            raise Refused(f"{entry['product']}: {entry['command']} (exit {result.returncode}): {words}")
    return True


def differs_or_unknown(entry: dict[str, Any], dry: bool) -> bool:
    """Like file_differs; in check mode an owner that is still to be made counts as a difference."""
    try:
        return file_differs(entry)
    except Refused:
        if dry and not Path(entry["path"]).is_dir():
            return True
        raise


def apply_all(wanted: dict[str, Any], dry: bool) -> tuple[list[str], list[dict[str, str]]]:
    """Bring everything into the wanted state. Returns the changed paths and Ansible's diff entries."""
    pending = [entry for entry in wanted["files"] if differs_or_unknown(entry, dry)]
    diff = [describe_change(entry) for entry in pending]
    for entry in pending:
        if entry["validate"]:
            validate_file(entry, dry)
    changed = [entry["path"] for entry in wanted["directories"] if make_directory(entry, dry)]
    for entry in pending:
        if not dry:
            write_file(entry)
        changed.append(entry["path"])
    changed += [entry["path"] for entry in wanted["links"] if switch_link(entry, dry)]
    changed += [path for path in wanted["absent"] if remove_path(path, dry)]
    changed += [entry["product"] for entry in wanted["derive"] if derive(entry, changed, dry)]
    return changed, diff


def main() -> None:
    """Ansible's entry point."""
    module = QuietModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        changed, diff = apply_all(module.params, module.check_mode)
    except Refused as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}; the old file is untouched")
    module.exit_json(changed=bool(changed), changed_paths=changed, diff=diff)


if __name__ == "__main__":
    main()
