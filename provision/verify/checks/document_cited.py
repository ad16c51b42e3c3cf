"""Is a document embedded here, stored in the vector store, cited in an answer, and gone when it is deleted?"""

from __future__ import annotations

from collections.abc import Iterator

from provision.models.observation_web import DocumentObservation, VectorStoreObservation
from provision.verify.checks.chat_login import say
from provision.verify.evidence import Check, Evidence, Verdict, whole_stack
from provision.verify.next_step import logs_of_service
from provision.verify.web_document import FACT, FILE_NAME

_EXPECTED = "an uploaded document has vectors in Qdrant, is cited in an answer, and leaves none when it is deleted"
_REFUSALS = frozenset({401, 403})


def judge(evidence: Evidence, target: str) -> Iterator[Verdict]:  # noqa: ARG001
    placed = {service.name for service in evidence.plan.services}
    if not {"qdrant", "open_webui"} <= placed or not evidence.asks_through("chat"):
        return
    seen = evidence.web.document
    if seen is None:
        yield Verdict("failed", _EXPECTED, "not asked", "run provision verify on the controller again")
        return
    apps, store = logs_of_service(evidence.plan, "open_webui"), logs_of_service(evidence.plan, "qdrant")
    problem = _find_problem(seen, apps, store) or _find_open_door(seen.stored, store)
    if problem:
        yield Verdict("failed", _EXPECTED, *problem)
        return
    told = "says" if FACT in seen.text else "does not repeat"
    measured = (
        f"{seen.stored.points} vectors in {seen.stored.title} {seen.stored.version}; the answer cites {FILE_NAME}"
    )
    measured += f" and {told} the number in it; without a key HTTP {seen.stored.without_key}, none left after deletion"
    yield Verdict("passed", _EXPECTED, measured, seconds=seen.upload.seconds + seen.answer.seconds)


def _find_problem(seen: DocumentObservation, apps: str, store: str) -> tuple[str, str] | None:
    if seen.sign_in.status != 200:
        return f"the administrator cannot sign in: {say(seen.sign_in)}", apps
    if seen.upload.status != 200:
        return (
            f"the document is not taken: {say(seen.upload)}",
            f"{apps}; does it reach the embedding model and Qdrant?",
        )
    if not seen.stored.points:
        why = seen.stored.error or "none is there"
        return f"the document's vectors are not in Qdrant: {why}", f"{apps}, then {store}"
    if seen.answer.status != 200 or not seen.text.strip():
        return f"no answer about the document: {say(seen.answer)}", apps
    if FILE_NAME not in seen.sources or FACT not in seen.cited:
        return f"the answer does not cite the document; it cites: {', '.join(seen.sources) or 'nothing'}", apps
    if seen.removal.status != 200:
        return f"the document cannot be deleted: {say(seen.removal)}", f"delete {FILE_NAME} in Open WebUI; {apps}"
    if seen.left.points != 0:
        left = seen.left.error or f"{seen.left.points} are left"
        return f"its vectors are not gone after it was deleted: {left}", store
    return None


def _find_open_door(store: VectorStoreObservation, logs: str) -> tuple[str, str] | None:
    if store.without_key not in _REFUSALS:
        return f"Qdrant does not refuse who has no key: HTTP {store.without_key}", f"provision up sets the keys; {logs}"
    if store.write_by_reader not in _REFUSALS:
        text = f"the read-only key may write, or it is not known: HTTP {store.write_by_reader}"
        return text, f"provision up sets the keys; {logs}"
    return None


CHECK = Check(
    id="document_cited",
    title="Document in Open WebUI",
    asks="Through the gateway: a document is uploaded, embedded by a local model and stored in Qdrant, where its "
    "vectors are counted with the read-only key; an answer cites it; it is deleted, and its vectors are gone. Qdrant "
    "refuses who has no key, and the read-only key cannot write.",
    fails="Open WebUI does not reach Qdrant or the embedding model, or a key of Qdrant is missing.",
    targets=whole_stack,
    judge=judge,
    needs=("machine_answers", "service_health", "listeners", "ports_outside", "tls", "chat_login", "chat_answer"),
)
