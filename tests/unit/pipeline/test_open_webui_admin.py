"""The administrator's password is changed once, by who knows the old one. The stand-in answers as 0.12.4 does."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from provision.errors import RunError
from provision.models.plan import Plan
from provision.pipeline import open_webui_admin
from provision.pipeline.open_webui_admin import CHANGE, set_admin_password
from provision.runner.workspace import Workspace
from provision.verify.web_session import SIGN_IN

FIXTURE = Path(__file__).parents[2] / "fixtures" / "sme-2x4090-lab" / "plan.json"
PLAN = Plan.model_validate_json(FIXTURE.read_bytes())


class StandIn:
    """Signing in and changing the password, as `open_webui/routers/auths.py` answers them."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.changes = 0
        self.refuses = False
        self.down = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("connection refused")
        body = json.loads(request.content)
        if body["password"] != self.password:
            return httpx.Response(400, json={"detail": "The email or password provided is incorrect."})
        if request.url.path == SIGN_IN:
            assert body["email"] == PLAN.admin_email
            return httpx.Response(200, json={"token": "session"})
        assert request.url.path == CHANGE
        if request.headers["Authorization"] != "Bearer session" or self.refuses:
            return httpx.Response(400, json={"detail": "not so"})
        self.password, self.changes = body["new_password"], self.changes + 1
        return httpx.Response(200, json=True)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    site = StandIn("old-canary")

    def connect(url: str, _ca: Path | None, _address: str) -> httpx.Client:
        return httpx.Client(base_url=url, transport=httpx.MockTransport(site.answer))

    monkeypatch.setattr(open_webui_admin, "open_client", connect)
    monkeypatch.setattr(open_webui_admin, "fetch_ca_root", lambda *_: None)
    return site


def change(tmp_path: Path, wanted: str, other: str) -> None:
    set_admin_password(Workspace(client_folder=tmp_path, target="lab"), PLAN, wanted, other)


def test_it_is_changed_once_and_back_again(site: StandIn, tmp_path: Path) -> None:
    for _ in range(2):
        change(tmp_path, "new-canary", "old-canary")
        assert (site.password, site.changes) == ("new-canary", 1)
    change(tmp_path, "old-canary", "new-canary")
    assert site.password == "old-canary"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"password": "somebody's"}, "neither the old nor the new"),
        ({"refuses": True}, "did not take the new password: not so"),
        ({"down": True}, "does not answer"),
    ],
)
def test_what_goes_wrong_is_told_without_a_password(
    site: StandIn, tmp_path: Path, state: dict[str, object], words: str
) -> None:
    for name, value in state.items():
        setattr(site, name, value)
    with pytest.raises(RunError, match=words) as caught:
        change(tmp_path, "new-canary", "old-canary")
    assert "canary" not in str(caught.value)
    assert site.changes == 0
