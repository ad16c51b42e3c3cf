"""What the stand-in of Grafana is told: grafana.ini, GF_<SECTION>_<KEY> over it, and the provisioning files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import yaml

DEFAULTS = {
    "server": {"http_addr": "", "http_port": "3000"},
    "security": {"admin_user": "admin", "admin_password": "admin", "admin_email": "admin@localhost", "secret_key": ""},
    "users": {"allow_sign_up": "false"},
    "auth.anonymous": {"enabled": "false"},
}
"""Of conf/defaults.ini, as far as the stand-in looks."""


class Settings:
    """Raises KeyError where the file says no path for data or provisioning."""

    def __init__(self, config: Path, environment: Mapping[str, str] = os.environ) -> None:
        parser = ConfigParser(interpolation=None)
        parser.read_dict(DEFAULTS)
        parser.read(config)
        for section in parser.sections():
            for key in parser[section]:
                name = f"GF_{section}_{key}".replace(".", "_").upper()
                parser[section][key] = environment.get(name, parser[section][key])
        self.parser = parser
        self.data = Path(parser["paths"]["data"])
        self.provisioning = Path(parser["paths"]["provisioning"])

    def get(self, section: str, key: str) -> str:
        return self.parser[section][key]

    def is_on(self, section: str, key: str) -> bool:
        return bool(self.parser[section].getboolean(key))


def read_data_sources(provisioning: Path) -> list[dict[str, Any]]:
    """As /api/datasources lists them, sorted by name as Grafana does."""
    found = []
    for path in sorted((provisioning / "datasources").glob("*.yaml")):
        for number, entry in enumerate(yaml.safe_load(path.read_text())["datasources"], 1):
            found.append(
                {
                    "id": number,
                    "uid": entry["uid"],
                    "orgId": 1,
                    "name": entry["name"],
                    "type": entry["type"],
                    "typeName": entry["name"],
                    "typeLogoUrl": "",
                    "access": entry["access"],
                    "url": entry["url"],
                    "user": "",
                    "database": "",
                    "basicAuth": False,
                    "isDefault": entry.get("isDefault", False),
                    "jsonData": entry.get("jsonData", {}),
                    "readOnly": not entry.get("editable", False),
                }
            )
    return sorted(found, key=lambda entry: str(entry["name"]))


def read_dashboards(provisioning: Path) -> dict[str, dict[str, Any]]:
    """`meta` and `dashboard` by uid, as /api/dashboards/uid answers. A file without uid or title is not loaded."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((provisioning / "dashboards").glob("*.yaml")):
        for provider in yaml.safe_load(path.read_text())["providers"]:
            for file in sorted(Path(provider["options"]["path"]).glob("*.json")):
                dashboard = json.loads(file.read_text())
                if not dashboard.get("uid") or not dashboard.get("title"):
                    continue
                uid = dashboard["uid"]
                found[uid] = {
                    "meta": {
                        "type": "db",
                        "slug": uid,
                        "url": f"/d/{uid}/{uid}",
                        "folderUid": provider["folderUid"],
                        "folderTitle": provider["folder"],
                        "provisioned": True,
                        "provisionedExternalId": file.name,
                        "version": 1,
                    },
                    "dashboard": dashboard,
                }
    return found
