"""The lab's stand-in of Grafana: reads what the role writes, and answers in the form of upstream's OpenAPI document."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).parents[2]
STAND_IN = ROOT / "provision" / "lab" / "stand_ins" / "grafana"
ROLE = ROOT / "roles" / "grafana"
DEFINITIONS = json.loads((ROOT / "tests/fixtures/grafana-openapi.json").read_text())["definitions"]
KINDS: dict[str, type] = {"string": str, "boolean": bool, "integer": int, "object": dict, "array": list}
MAIL, PASSWORD = "admin@ai.internal", "password-of-this-test"


class Prometheus(BaseHTTPRequestHandler):
    """What stands behind the data source: it tells the query that it got."""

    def do_GET(self) -> None:
        data = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [self.path]}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def config(tmp_path: Path, prometheus: str) -> Path:
    """grafana.ini and the provisioning files as the role's templates make them."""
    variables = {
        "grafana_state": str(tmp_path / "state"),
        "grafana_provisioning": str(tmp_path / "provisioning"),
        "grafana_address": "127.0.0.1",
        "grafana_port": 0,
        "grafana_url": "https://metrics.ai.internal",
        "grafana_admin": {"email": MAIL, "password": PASSWORD},
        "grafana_prometheus_url": prometheus,
        "grafana_prometheus_interval_s": 15,
        "grafana_dashboards": ["overview", "hosts"],
    }
    environment = Environment(loader=FileSystemLoader(ROLE / "templates"), undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    environment.filters["to_json"] = json.dumps
    for template, place in (
        ("grafana.ini.j2", "grafana.ini"),
        ("datasources.yaml.j2", "provisioning/datasources/prometheus.yaml"),
        ("dashboards.yaml.j2", "provisioning/dashboards/provision.yaml"),
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.get_template(template).render(variables))
    (tmp_path / "provisioning/json").mkdir()
    for name in ("overview", "hosts"):
        (tmp_path / f"provisioning/json/{name}.json").write_text((ROLE / f"files/dashboards/{name}.json").read_text())
    (tmp_path / "state").mkdir()
    return tmp_path / "grafana.ini"


@pytest.fixture
def url(config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.setenv("GF_SECURITY_ADMIN_PASSWORD", PASSWORD)
    from grafana_settings import Settings
    from grafana_stand_in import Server

    server = Server(Settings(config))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def check(document: dict[str, Any], definition: str) -> None:
    """Only fields that upstream's definition knows, each of its type."""
    known = DEFINITIONS[definition]
    assert set(document) <= set(known), definition
    for name, value in document.items():
        assert type(value) is KINDS[known[name]], f"{definition}.{name}"


def test_answers_have_upstreams_form(url: str) -> None:
    account = (MAIL, PASSWORD)
    (source,) = httpx.get(f"{url}/api/datasources", auth=account).json()
    check(source, "DataSourceListItemDTO")
    assert (source["uid"], source["isDefault"], source["readOnly"]) == ("prometheus", True, True)
    hits = httpx.get(f"{url}/api/search?type=dash-db", auth=account).json()
    for hit in hits:
        check(hit, "Hit")
    assert {hit["uid"] for hit in hits} == {"overview", "hosts"}
    full = httpx.get(f"{url}/api/dashboards/uid/hosts", auth=account).json()
    check(full, "DashboardFullWithMeta")
    check(full["meta"], "DashboardMeta")
    assert full["meta"]["provisionedExternalId"] == "hosts.json"
    assert httpx.get(f"{url}/api/dashboards/uid/none", auth=account).status_code == 404


def test_a_query_reaches_the_data_source_as_it_was_asked(url: str) -> None:
    path = "/api/datasources/proxy/uid/{}/api/v1/query"
    asked = httpx.get(url + path.format("prometheus"), params={"query": 'up{job="x"}'}, auth=(MAIL, PASSWORD)).json()
    assert asked["data"]["result"] == ["/api/v1/query?query=up%7Bjob%3D%22x%22%7D"]
    assert httpx.get(url + path.format("other"), auth=(MAIL, PASSWORD)).status_code == 404


def test_only_the_account_gets_in(url: str) -> None:
    health = httpx.get(f"{url}/api/health").json()
    assert health["database"] == "ok"
    assert "stand-in" in health["version"]
    assert httpx.get(f"{url}/api/search").status_code == 401
    assert httpx.get(f"{url}/api/search", auth=("admin", "admin")).status_code == 401
    assert httpx.post(f"{url}/login", json={"user": MAIL, "password": "wrong"}).status_code == 401
    assert httpx.post(f"{url}/api/user/signup", json={"email": "a@b.example"}).status_code == 401
    signed_in = httpx.post(f"{url}/login", json={"user": MAIL, "password": PASSWORD})
    assert "Secure" in signed_in.headers["Set-Cookie"]
    session = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}
    assert httpx.get(f"{url}/api/user", headers=session).json()["login"] == MAIL


def test_the_password_is_taken_at_the_first_start_alone_and_reset_by_the_program(
    url: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grafana_settings import Settings
    from grafana_stand_in import Server

    monkeypatch.setenv("GF_SECURITY_ADMIN_PASSWORD", "another")
    Server(Settings(config)).server_close()
    assert httpx.get(f"{url}/api/user", auth=(MAIL, "another")).status_code == 401
    words = ["cli", "--homepath", "/", "--config", str(config), "admin", "reset-admin-password"]
    subprocess.run(
        [sys.executable, str(STAND_IN / "grafana_stand_in.py"), *words, "--password-from-stdin"],
        input="another",
        text=True,
        check=True,
        capture_output=True,
    )
    assert httpx.get(f"{url}/api/user", auth=(MAIL, "another")).status_code == 200
    assert httpx.get(f"{url}/api/user", auth=(MAIL, PASSWORD)).status_code == 401
