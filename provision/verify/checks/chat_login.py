"""Does Open WebUI let the administrator in, and nobody else?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import ChatObservation, WebStep
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service

SITE = "chat"
_EXPECTED = "the administrator signs in; an unknown account and a sign-up are refused"
_REFUSALS = frozenset({400, 401, 403, 429})
"""Open WebUI answers 400 to a wrong password and 429 to too many of them."""


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if not evidence.asks_through(SITE):
        return
    chat = evidence.web.chat
    if chat is None:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    problem = _find_problem(chat, logs_of_service(evidence.plan, "open_webui"))
    if problem:
        yield Verdict("failed", _EXPECTED, *problem)
    else:
        measured = f"signed in as {chat.role}; unknown account HTTP {chat.wrong_password.status}, "
        yield Verdict("passed", _EXPECTED, measured + f"sign-up HTTP {chat.sign_up.status}")


def _find_problem(chat: ChatObservation, logs: str) -> tuple[str, str] | None:
    if chat.sign_in.status != 200:
        return (
            f"the administrator cannot sign in: {say(chat.sign_in)}",
            f"{logs}; was the password changed in the browser? Then put it into the vault, or reset it there",
        )
    if chat.role != "admin":
        return f"the administrator's account has the role '{chat.role}'", "make it admin again in Open WebUI"
    if chat.wrong_password.status not in _REFUSALS:
        return f"an unknown account is not refused: {say(chat.wrong_password)}", logs
    if chat.sign_up.status not in _REFUSALS:
        return (
            f"a stranger can sign up, or it is not known: {say(chat.sign_up)}",
            "switch sign-up off in Open WebUI (Admin, Settings); provision up sets ENABLE_SIGNUP=false",
        )
    return None


def say(step: WebStep) -> str:
    """A step as one line: status and detail, or why no answer came."""
    if step.status is None:
        return step.error or "no answer"
    return f"HTTP {step.status}" + (f", {step.detail}" if step.detail else "")


CHECK = Check(
    id="chat_login",
    title="Sign-in to Open WebUI",
    asks="Through the gateway: the administrator signs in; an unknown account and a sign-up by a stranger are refused.",
    fails="Another password than the vault's, or an open sign-up.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls"),
)
