"""The lab's stand-in of Qdrant against upstream's own client, whose models are made from upstream's OpenAPI."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import UnexpectedResponse
from qdrant_client.models import (
    Distance,
    FieldCondition,
    Filter,
    FilterSelector,
    HasIdCondition,
    HnswConfigDiff,
    KeywordIndexParams,
    KeywordIndexType,
    MatchAny,
    MatchValue,
    PointStruct,
    VectorParams,
)

ROOT = Path(__file__).parents[2]
KEY, READ_ONLY_KEY = "key-of-this-test", "reading-key-of-this-test"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.syspath_prepend(str(ROOT / "provision" / "lab" / "stand_ins" / "qdrant"))
    from qdrant_stand_in import serve

    settings: dict[str, Any] = {
        "telemetry_disabled": True,
        "storage": {"storage_path": str(tmp_path / "storage"), "snapshots_path": str(tmp_path / "snapshots")},
        "service": {"host": "127.0.0.1", "http_port": 0, "enable_tls": False},
    }
    server = serve(settings, KEY, READ_ONLY_KEY)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(url: str) -> QdrantClient:
    """A collection as Open WebUI 0.12.4 makes it, with two tenants."""
    client = QdrantClient(url=url, api_key=KEY)
    client.create_collection(
        "open-webui_files",
        vectors_config=VectorParams(size=2, distance=Distance.COSINE, on_disk=False),
        hnsw_config=HnswConfigDiff(payload_m=16, m=0),
    )
    index = KeywordIndexParams(type=KeywordIndexType.KEYWORD, is_tenant=True, on_disk=False)
    client.create_payload_index("open-webui_files", "tenant_id", index)
    client.upload_points(
        "open-webui_files",
        [
            PointStruct(
                id=f"00000000-0000-0000-0000-00000000000{number}",
                vector=vector,
                payload={"text": text, "metadata": {"file_id": text}, "tenant_id": tenant},
            )
            for number, (tenant, text, vector) in enumerate(
                [("file-a", "one", [1.0, 0.0]), ("file-a", "two", [0.0, 1.0]), ("file-b", "three", [1.0, 0.0])]
            )
        ],
        wait=True,
    )
    return client


def of_tenant(tenant: str, *more: Any) -> Filter:
    return Filter(must=[FieldCondition(key="tenant_id", match=MatchValue(value=tenant)), *more])


def test_a_search_finds_the_nearest_of_one_tenant(client: QdrantClient) -> None:
    found = client.query_points("open-webui_files", [0.9, 0.1], limit=5, query_filter=of_tenant("file-a")).points
    assert [point.payload["text"] for point in found if point.payload] == ["one", "two"]
    assert found[0].score > 0.99


def test_points_are_counted_and_read_in_pages(client: QdrantClient) -> None:
    assert client.collection_exists("open-webui_files")
    assert client.count("open-webui_files", of_tenant("file-a")).count == 2
    page, following = client.scroll("open-webui_files", of_tenant("file-a"), limit=1)
    rest, end = client.scroll("open-webui_files", of_tenant("file-a"), limit=1, offset=following)
    assert [point.payload["text"] for point in (*page, *rest) if point.payload] == ["one", "two"]
    assert following is not None
    assert end is None


def test_points_are_deleted_by_filter(client: QdrantClient) -> None:
    only = HasIdCondition(has_id=["00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000002"])
    client.delete("open-webui_files", FilterSelector(filter=of_tenant("file-a", only)))
    files = FieldCondition(key="metadata.file_id", match=MatchAny(any=["one", "two", "three"]))
    left, _ = client.scroll("open-webui_files", Filter(must=[files]))
    assert [point.payload["text"] for point in left if point.payload] == ["two", "three"]


def test_the_collection_says_what_it_is(client: QdrantClient) -> None:
    info = client.get_collection("open-webui_files")
    assert info.points_count == 3
    assert info.config.params.vectors == VectorParams(size=2, distance=Distance.COSINE, on_disk=False)
    assert client.delete_collection("open-webui_files")
    assert client.get_collections().collections == []
    with pytest.raises(UnexpectedResponse, match="404"):
        client.count("open-webui_files")


def test_snapshots_are_kept_and_pruned_by_the_roles_program(client: QdrantClient, url: str, tmp_path: Path) -> None:
    script = ROOT / "roles" / "qdrant" / "files" / "snapshot.py"
    runs = [
        subprocess.run(
            [sys.executable, str(script), url, "2"],
            env={"QDRANT__SERVICE__API_KEY": KEY},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(3)
    ]
    assert "removed" not in runs[1]
    assert "removed" in runs[2]
    kept = client.list_snapshots("open-webui_files")
    assert len(kept) == 2
    assert all(snapshot.size > 0 for snapshot in kept)
    assert len(list((tmp_path / "snapshots" / "open-webui_files").iterdir())) == 2


def test_without_a_key_only_health_and_version_answer(client: QdrantClient, url: str) -> None:
    assert httpx.get(f"{url}/readyz").text == "all shards are ready"
    assert "stand-in" in httpx.get(url).json()["title"]
    assert httpx.get(f"{url}/collections").status_code == 401
    assert httpx.get(f"{url}/collections", headers={"api-key": "wrong"}).status_code == 401
    reader = QdrantClient(url=url, api_key=READ_ONLY_KEY)
    assert reader.count("open-webui_files").count == 3
    with pytest.raises(UnexpectedResponse, match="403"):
        reader.delete_collection("open-webui_files")
    assert client.count("open-webui_files").count == 3
