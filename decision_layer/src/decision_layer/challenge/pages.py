"""The pages: contest, see how it stands, review, approve. Server-rendered, no script, nothing loaded from elsewhere."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, urlencode

import jinja2
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from decision_layer.audit.errors import AuditError
from decision_layer.audit.record import Decision, utc_now
from decision_layer.challenge.approvals import Approvals
from decision_layer.challenge.cases import Case, Cases, ChallengeError, Opinion, Verdict
from decision_layer.challenge.replay import Replay
from decision_layer.gateway.callers import Credentials
from decision_layer.policy.explain import describe

HERE = Path(__file__).parent
WORDS: dict[str, dict[str, str]] = yaml.safe_load((HERE / "words.yml").read_text())
VERDICTS: dict[str, Verdict] = {name: name for name in get_args(Verdict)}
_MAX_FORM = 64 * 1024
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
)


class Pages:
    """Challenges for anybody with a record's id; reviews and approvals for the people whom the policy names."""

    def __init__(
        self,
        cases: Cases,
        approvals: Approvals,
        make_replay: Callable[[Case], Replay],
        credentials: Callable[[], Credentials],
    ) -> None:
        self._cases, self._approvals, self._replay, self._credentials = cases, approvals, make_replay, credentials
        self._secret = secrets.token_bytes(32)  # of the forms of this process; a restart asks to send them again
        self.application = Starlette(
            routes=[
                Route("/challenge", self.challenge, methods=["GET", "POST"]),
                Route("/challenge/status", self.status),
                Route("/review", self.reviews),
                Route("/review/{number}", self.review, methods=["GET", "POST"]),
                Route("/approve/{number}", self.approve, methods=["GET", "POST"]),
            ],
            exception_handlers={AuditError: _tell_unavailable},
        )
        self.application.router.redirect_slashes = False  # it would redirect to whatever the Host header says

    async def challenge(self, request: Request) -> Response:
        if request.method == "GET":
            return _page(request, "file.html", record=request.query_params.get("record", ""), text="", who="")
        form = await _read_form(request)
        record, text, who = form.get("record", ""), form.get("text", ""), form.get("who", "")
        try:
            case = await self._cases.file(record, text, who)
        except ChallengeError as error:
            return _page(request, "file.html", 400, error=error.code, record=record, text=text, who=who)
        except AuditError:
            return _page(request, "file.html", 503, error="unavailable", record=record, text=text, who=who)
        target = f"/challenge/status?number={case.challenge_id}&lang={_language(request)}"
        return RedirectResponse(target, status_code=303, headers=_HEADERS)

    async def status(self, request: Request) -> Response:
        case = self._cases.get(request.query_params.get("number", "").strip().lower())
        if case is None:
            return _page(request, "file.html", 404, error="number", record="", text="", who="")
        return _page(request, "status.html", case=case)

    async def reviews(self, request: Request) -> Response:
        if self._person(request, "reviewer") is None:
            return _ask_who()
        return _page(request, "list.html", cases=self._cases.all(), now=utc_now())

    async def review(self, request: Request) -> Response:
        reviewer = self._person(request, "reviewer")
        if reviewer is None:
            return _ask_who()
        case = self._cases.get(request.path_params["number"])
        if case is None:
            return _page(request, "list.html", 404, error="number", cases=self._cases.all(), now=utc_now())
        if request.method == "GET":
            return self._show(request, case, reviewer)
        form = await _read_form(request)
        verdict = form.get("verdict", "")
        if not self._holds(form, reviewer, case.challenge_id) or verdict not in VERDICTS:
            return self._show(request, case, reviewer, 400, "form")
        try:
            seen = self._replay(case)
            told = describe(seen.others[0]) if seen.others else ""
            given = Opinion(reviewer, form.get("authority", ""), VERDICTS[verdict], form.get("reason", ""))
            case = await self._cases.close(case, given, seen.result, told)
        except ChallengeError as error:
            return self._show(request, case, reviewer, 400, error.code)
        except AuditError:
            return self._show(request, case, reviewer, 503, "unavailable")
        return self._show(request, case, reviewer)

    async def approve(self, request: Request) -> Response:
        approver = self._person(request, "approver")
        if approver is None:
            return _ask_who()
        number = request.path_params["number"]
        held = self._approvals.held(number)
        barred = self._approvals.bar(approver, held) if held else "held"
        error, given = barred, None
        if request.method == "POST" and not barred:
            form = await _read_form(request)
            if not self._holds(form, approver, number) or form.get("granted") not in ("yes", "no"):
                error = "form"
            else:
                word, why, granted = form.get("authority", ""), form.get("reason", ""), form["granted"] == "yes"
                try:
                    given = await self._approvals.answer(number, approver, word, why, granted=granted)
                except ChallengeError as refused:
                    error = refused.code
        token = "" if barred else self._token(approver, number)
        return _page(request, "approve.html", 400 if error else 200, error=error, held=held, given=given, token=token)

    def _show(self, request: Request, case: Case, reviewer: str, status: int = 200, error: str = "") -> Response:
        found = self._cases.decision(case.record_id)
        recorded = found.entry if found else None
        return _page(
            request,
            "review.html",
            status,
            error=error,
            case=case,
            recorded=recorded if isinstance(recorded, Decision) else None,
            text=self._cases.text(case),
            replay=self._replay(case),
            describe=describe,
            token=self._token(reviewer, case.challenge_id),
            verdicts=tuple(VERDICTS),
        )

    def _person(self, request: Request, role: str) -> str | None:
        return self._credentials().find_person(role, request.headers.get("authorization", "").encode())

    def _token(self, person: str, number: str) -> str:
        """Browsers send Basic credentials by themselves: only a form of ours knows this."""
        return hmac.digest(self._secret, f"{person}\0{number}".encode(), "sha256").hex()

    def _holds(self, form: dict[str, str], person: str, number: str) -> bool:
        return hmac.compare_digest(form.get("token", "").encode(), self._token(person, number).encode())


def _tell_unavailable(request: Request, _: Exception) -> Response:
    return _page(request, "page.html", 503, error="unavailable")


def _language(request: Request) -> str:
    asked = request.query_params.get("lang", "")
    if asked in WORDS:
        return asked
    preferred = [
        part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")
    ]
    return next((name for name in preferred if name in WORDS), "en")


def _page(request: Request, template: str, status: int = 200, *, error: str = "", **values: Any) -> Response:
    language = _language(request)
    # Another language shows the same page: what else stood in the address stays.
    rest = urlencode([(key, value) for key, value in request.query_params.multi_items() if key != "lang"])
    text = _ENVIRONMENT.get_template(template).render(
        say=WORDS[language],
        language=language,
        languages=tuple(WORDS),
        rest=rest,
        error=error,
        day=_day,
        minute=_minute,
        **values,
    )
    return HTMLResponse(text, status_code=status, headers=_HEADERS)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _ask_who() -> Response:
    return Response(
        "sign in",
        status_code=401,
        headers={**_HEADERS, "www-authenticate": 'Basic realm="decision layer", charset="UTF-8"'},
    )


async def _read_form(request: Request) -> dict[str, str]:
    """URL-encoded, at most 64 KiB; more, or bad UTF-8, reads as an empty form."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MAX_FORM:
            return {}
    try:
        fields = parse_qs(content.decode(), keep_blank_values=True, max_num_fields=20, errors="strict")
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: values[0] for name, values in fields.items()}
