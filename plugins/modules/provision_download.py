#!/usr/bin/python
"""Have large files in place, each known by its sha256, in one round trip and without reading them every time.

ansible.builtin.get_url hashes a present file on every run; for a 40 GB model that takes minutes. Here a record
beside the file (its sha256, size and time of change) says that it was hashed and has not been touched since.
Runs on the target's own Python (3.11 on Debian 12): standard library and ansible.module_utils only.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.provision_fetch import FetchError, LockedError, hold_lock, is_recorded, obtain

DOCUMENTATION = r"""
module: provision_download
short_description: Download large pinned files, resumed and hashed once
options:
  directory:
    description: Folder of the files; made with owner, group and mode 0750 where it is missing.
    type: path
    required: true
  files:
    description: What to have; C(size_mib) is only used to see beforehand that the disk has room.
    type: list
    elements: dict
    required: true
  owner:
    description: Owner of the files.
    type: str
    default: root
  group:
    description: Group of the files.
    type: str
    default: root
  mode:
    description: Mode of the files.
    type: str
    default: "0640"
author: provision
"""

EXAMPLES = r"""
- name: Models
  provision_download:
    directory: /var/lib/llama-cpp/models
    files:
      - file: small.gguf
        url: https://mirror.example/a5fd
        sha256: a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
        size_mib: 242
"""

RETURN = r"""
changed_paths:
  description: What was (in check mode would be) made, downloaded or given other attributes.
  returned: always
  type: list
"""

FILE = {
    "file": {"type": "str", "required": True},
    "url": {"type": "str", "default": ""},
    "sha256": {"type": "str", "required": True},
    "size_mib": {"type": "int", "default": 0},
}
SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "files": {"type": "list", "elements": "dict", "required": True, "options": FILE},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0640"},
}


def set_attributes(path: Path, params: dict[str, Any], mode: str, dry: bool) -> bool:
    """Set owner, group and mode. Returns whether one of them differed. Raises KeyError for an unknown name."""
    wanted = (pwd.getpwnam(params["owner"]).pw_uid, grp.getgrnam(params["group"]).gr_gid, int(mode, 8))
    found = path.stat()
    differs = (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) != wanted
    if differs and not dry:
        os.chown(path, wanted[0], wanted[1])
        path.chmod(wanted[2])
    return differs


def download_all(params: dict[str, Any], dry: bool) -> list[str]:
    """Bring folder and files to be as wanted. Returns the changed paths.

    Raises FetchError, LockedError, or KeyError for an unknown owner.
    """
    folder = Path(params["directory"])
    changed = []
    if not dry:
        folder.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir() or set_attributes(folder, params, "0750", dry):
        changed.append(str(folder))
    for entry in params["files"]:
        path = folder / entry["file"]
        missing = not is_recorded(path, entry["sha256"])
        if missing and not dry:
            with hold_lock(folder):
                obtain(entry, path)
        if (missing and dry) or set_attributes(path, params, params["mode"], dry) or missing:
            changed.append(str(path))
    return changed


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        changed = download_all(module.params, module.check_mode)
    except FetchError as error:
        module.fail_json(msg=str(error), hint=error.hint)
    except LockedError as error:
        module.fail_json(msg=str(error))
    except KeyError as error:
        module.fail_json(msg=f"the machine has no such user or group: {error}")
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}")
    module.exit_json(changed=bool(changed), changed_paths=changed)


if __name__ == "__main__":
    main()
