"""What the stand-in of Qdrant answers to each call, kept with qdrant-client's local mode.

Requests and answers are the client's own models, which upstream generates from its OpenAPI document.
"""

from __future__ import annotations

import re
import tarfile
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from qdrant_client import QdrantClient
from qdrant_client.http import models

READS = ("/points/query", "/points/scroll", "/points/count", "/points")
"""Calls by POST that a read-only key may make."""
_UPDATED = models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)
_NAME = r"(?P<name>[^/]+)"


class NotThereError(LookupError):
    """The collection or snapshot that a call names does not exist."""


class Routes:
    """The calls by method and path; one at a time, since the local mode is not made for threads."""

    def __init__(self, storage: Path, snapshots: Path) -> None:
        warnings.filterwarnings("ignore", message="Payload indexes have no effect")
        self.client = QdrantClient(path=str(storage), force_disable_check_same_thread=True)
        self.storage, self.snapshots, self.lock = storage, snapshots, Lock()
        self.table: list[tuple[str, re.Pattern[str], Callable[..., Any]]] = [
            (method, re.compile(f"/collections{pattern}"), answer)
            for method, pattern, answer in (
                ("GET", "", self.list_collections),
                ("GET", f"/{_NAME}/exists", self.exists),
                ("PUT", f"/{_NAME}", self.create),
                ("GET", f"/{_NAME}", self.describe),
                ("DELETE", f"/{_NAME}", self.drop),
                ("PUT", f"/{_NAME}/index", self.index),
                ("PUT", f"/{_NAME}/points", self.upsert),
                ("POST", f"/{_NAME}/points", self.retrieve),
                ("POST", f"/{_NAME}/points/delete", self.delete),
                ("POST", f"/{_NAME}/points/query", self.query),
                ("POST", f"/{_NAME}/points/scroll", self.scroll),
                ("POST", f"/{_NAME}/points/count", self.count),
                ("GET", f"/{_NAME}/snapshots", self.list_snapshots),
                ("POST", f"/{_NAME}/snapshots", self.create_snapshot),
                ("DELETE", f"/{_NAME}/snapshots/(?P<snapshot>[^/]+)", self.delete_snapshot),
            )
        ]

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """The `result` as JSON values. Raises NotThereError, and ValueError for a body that is not in order."""
        for known, pattern, handle in self.table:
            if known == method and (match := pattern.fullmatch(path)):
                words = {key: unquote(value) for key, value in match.groupdict().items()}
                with self.lock:
                    if "name" in words and handle not in (self.exists, self.create):
                        self.require(words["name"])
                    return to_jsonable_python(handle(body, **words))
        raise NotThereError(f"{method} {path} is no call that the stand-in knows")

    def require(self, name: str) -> None:
        if not self.client.collection_exists(name):
            raise NotThereError(f"Collection `{name}` doesn't exist!")

    def list_collections(self, _: dict[str, Any]) -> Any:
        return self.client.get_collections()

    def exists(self, _: dict[str, Any], name: str) -> Any:
        return models.CollectionExistence(exists=self.client.collection_exists(name))

    def create(self, body: dict[str, Any], name: str) -> bool:
        asked = models.CreateCollection.model_validate(body)
        return self.client.create_collection(name, vectors_config=asked.vectors)

    def describe(self, _: dict[str, Any], name: str) -> Any:
        return self.client.get_collection(name)

    def drop(self, _: dict[str, Any], name: str) -> bool:
        return self.client.delete_collection(name)

    def index(self, body: dict[str, Any], name: str) -> Any:
        asked = models.CreateFieldIndex.model_validate(body)
        self.client.create_payload_index(name, asked.field_name, field_schema=asked.field_schema)
        return _UPDATED

    def upsert(self, body: dict[str, Any], name: str) -> Any:
        self.client.upsert(name, models.PointsList.model_validate(body).points)
        return _UPDATED

    def retrieve(self, body: dict[str, Any], name: str) -> Any:
        asked = models.PointRequest.model_validate(body)
        with_payload = True if asked.with_payload is None else asked.with_payload
        return self.client.retrieve(name, asked.ids, with_payload, asked.with_vector or False)

    def delete(self, body: dict[str, Any], name: str) -> Any:
        selector: Any = TypeAdapter(models.PointsSelector).validate_python(body)
        self.client.delete(name, selector)
        return _UPDATED

    def query(self, body: dict[str, Any], name: str) -> Any:
        asked = models.QueryRequest.model_validate(body)
        return self.client.query_points(
            name,
            query=asked.query,
            using=asked.using,
            query_filter=asked.filter,
            limit=asked.limit or 10,
            offset=asked.offset,
            with_payload=asked.with_payload if asked.with_payload is not None else False,
            with_vectors=asked.with_vector or False,
            score_threshold=asked.score_threshold,
        )

    def scroll(self, body: dict[str, Any], name: str) -> Any:
        asked = models.ScrollRequest.model_validate(body)
        points, following = self.client.scroll(
            name,
            scroll_filter=asked.filter,
            limit=asked.limit or 10,
            offset=asked.offset,
            with_payload=True if asked.with_payload is None else asked.with_payload,
            with_vectors=asked.with_vector or False,
        )
        return models.ScrollResult(points=points, next_page_offset=following)

    def count(self, body: dict[str, Any], name: str) -> Any:
        asked = models.CountRequest.model_validate(body)
        return self.client.count(name, count_filter=asked.filter, exact=True)

    def list_snapshots(self, _: dict[str, Any], name: str) -> Any:
        return [describe_file(path) for path in sorted((self.snapshots / name).glob("*.snapshot"))]

    def create_snapshot(self, _: dict[str, Any], name: str) -> Any:
        """The collection's folder as a tar file, whole since the lock is held."""
        now = datetime.now(UTC)
        path = self.snapshots / name / f"{name}-0-{now:%Y-%m-%d-%H-%M-%S-%f}.snapshot"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as archive:
            archive.add(self.storage / "collection" / name, arcname=name)
        return describe_file(path)

    def delete_snapshot(self, _: dict[str, Any], name: str, snapshot: str) -> bool:
        path = self.snapshots / name / snapshot
        if path.name != snapshot or not path.is_file():
            raise NotThereError(f"Snapshot `{snapshot}` doesn't exist!")
        path.unlink()
        return True


def describe_file(path: Path) -> models.SnapshotDescription:
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    checksum = sha256(path.read_bytes()).hexdigest()
    return models.SnapshotDescription(name=path.name, creation_time=made, size=path.stat().st_size, checksum=checksum)
