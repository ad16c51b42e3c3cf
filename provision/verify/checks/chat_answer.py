"""Is a chat through Open WebUI answered by every planned model that writes text?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.verify.checks.chat_login import SITE, say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of, logs_of_service

_EXPECTED = "a text of at least one token"


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    if not evidence.asks_through(SITE):
        return
    chat = evidence.web.chat
    logs = logs_of_service(evidence.plan, "open_webui")
    for engine in evidence.plan.text_engines:
        answer = next((a for a in chat.answers if a.model == engine.served_name), None) if chat else None
        if answer is None:
            offered = ", ".join(chat.models) if chat and chat.models else "none"
            text = f"Open WebUI does not offer the model '{engine.served_name}'; it offers: {offered}"
            step = f"{logs} shows whether it reaches the engine"
            yield Verdict("failed", _EXPECTED, text, step, engine.served_name)
        elif answer.step.status != 200 or not (answer.text.strip() or answer.completion_tokens):
            step = f"{logs}, then {logs_of(engine.machine)}"
            yield Verdict("failed", _EXPECTED, f"no answer: {say(answer.step)}", step, engine.served_name)
        else:
            tokens = "" if answer.completion_tokens is None else f"{answer.completion_tokens} tokens, "
            measured = f"{tokens}{len(answer.text)} characters in {answer.step.seconds:.1f} s"
            if engine.simulated:
                measured += f" from {engine.model}, which stands for {engine.wanted_model}"
            simulated = engine.simulated and bool(engine.cards)
            yield Verdict("passed", _EXPECTED, measured, "", engine.served_name, simulated, answer.step.seconds)


CHECK = Check(
    id="chat_answer",
    title="Chat through Open WebUI",
    asks="One chat with each planned model that writes text, through the gateway and Open WebUI, brings a text.",
    fails="Open WebUI does not reach the engine, or its key is wrong.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls", "chat_login"),
)
