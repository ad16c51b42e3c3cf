"""A document in Open WebUI: upload, ask, see what is cited, remove. Calls as Open WebUI 0.12.4 answers them.

Nothing of it stays: a second run meets what the first one met.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from provision.models.observation_web import DocumentObservation, VectorStoreObservation, WebStep
from provision.models.plan import Site
from provision.verify.web_chat import CHAT, MAX_TOKENS
from provision.verify.web_session import Session
from provision.verify.web_steps import ask, describe, open_client

ReadStore = Callable[[str], VectorStoreObservation]
"""What the vector store says, with the number of points of one file: its id in Open WebUI is the argument."""
FILES = "/api/v1/files/"
FILE_NAME = "provision-verify.txt"
FACT = "7319"
TEXT = f"Notes of the archive in Lisbon.\n\nThe door of the archive in Lisbon opens with the number {FACT}.\n"
QUESTION = "With which number does the door of the archive in Lisbon open?"
_NOT_DONE = WebStep(error="not tried, since the step before failed")
_NOT_READ = VectorStoreObservation(error="not asked, since the step before failed")


def observe_document(
    site: Site, ca_file: Path | None, session: Session, model: str, read_store: ReadStore
) -> DocumentObservation:
    """Whether a document is embedded, stored, cited, and gone when it is deleted."""
    try:
        client = open_client(site.url, ca_file, site.address)
    except OSError as error:
        return _ended(WebStep(error=f"the CA's file cannot be read: {describe(error)}"))
    with client:
        sign_in, token = session.step, session.header
        if sign_in.status != 200:
            return _ended(sign_in)
        upload, file = _send(client, "POST", FILES, token, {"file": (FILE_NAME, TEXT.encode(), "text/plain")})
        identity = str(file.get("id") or "")
        if not identity:
            return _ended(sign_in, upload)
        try:
            stored = read_store(identity)
            answer, document = _ask(client, token, model, identity)
        finally:
            removal, _ = _send(client, "DELETE", FILES + identity, token)
        left = read_store(identity)
    text, names, cited = _read_answer(document)
    return DocumentObservation(
        sign_in=sign_in,
        upload=upload,
        stored=stored,
        answer=answer,
        text=text,
        sources=names,
        cited=cited,
        removal=removal,
        left=left,
    )


def _ended(sign_in: WebStep, upload: WebStep = _NOT_DONE) -> DocumentObservation:
    return DocumentObservation(
        sign_in=sign_in, upload=upload, stored=_NOT_READ, answer=_NOT_DONE, removal=_NOT_DONE, left=_NOT_READ
    )


def _send(
    client: httpx.Client, method: str, path: str, token: dict[str, str], files: Any = None
) -> tuple[WebStep, dict[str, Any]]:
    """One request about a file; an upload is answered once it is embedded, since it is not left to the background."""
    started = time.monotonic()
    waiting = {"process_in_background": "false"} if files else None
    try:
        response = client.request(method, path, headers=token, files=files, params=waiting)
        document = response.json()
    except (httpx.HTTPError, OSError, ValueError) as error:
        return WebStep(error=describe(error), seconds=round(time.monotonic() - started, 3)), {}
    known = document if isinstance(document, dict) else {}
    detail = "" if response.is_success else str(known.get("detail", ""))[:160]
    step = WebStep(status=response.status_code, detail=detail, seconds=round(time.monotonic() - started, 3))
    return step, known


def _ask(client: httpx.Client, token: dict[str, str], model: str, file: str) -> tuple[WebStep, dict[str, Any]]:
    body = {
        "model": model,
        "stream": False,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": QUESTION}],
        "files": [{"type": "file", "id": file}],
    }
    return ask(client, CHAT, body, token)


def _read_answer(document: dict[str, Any]) -> tuple[str, tuple[str, ...], str]:
    """Text, names of the cited files, and the cited passages; empty where the answer has another shape."""
    try:
        text = str(document["choices"][0]["message"]["content"] or "")
        items = [
            (str(metadata.get("name", "")), str(passage))
            for source in document.get("sources", ())
            for passage, metadata in zip(source["document"], source["metadata"], strict=True)
        ]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        return "", (), ""
    return text, tuple(dict.fromkeys(name for name, _ in items)), "\n".join(passage for _, passage in items)
