"""Ollama's store of models on the disk: blobs named sha256-HEX, and a manifest for each name and tag."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any, BinaryIO

MODEL_LAYER = "application/vnd.ollama.image.model"
PARAMETERS_LAYER = "application/vnd.ollama.image.params"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HEADER_BYTES = 2**20
"""A GGUF file's key for pooling lies before its vocabulary, well within its first MiB."""


class StoreError(Exception):
    """What the request asked for cannot be; the text is for the client."""


def full_name(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


class Store:
    """Models below `folder` ($OLLAMA_MODELS)."""

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "blobs"
        self.manifests = folder / "manifests" / "registry.ollama.ai" / "library"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.manifests.mkdir(parents=True, exist_ok=True)

    def blob(self, digest: str) -> Path:
        """Raises StoreError for what is no digest."""
        if not DIGEST.fullmatch(digest):
            raise StoreError("invalid digest format")
        return self.blobs / digest.replace(":", "-")

    def push(self, digest: str, source: BinaryIO, length: int) -> None:
        """Keep `length` bytes as this blob. Raises StoreError where they have another digest."""
        part = self.blob(digest).with_suffix(".part")
        seen = hashlib.sha256()
        with part.open("wb") as target:
            while length > 0 and (block := source.read(min(length, 2**20))):
                seen.update(block)
                target.write(block)
                length -= len(block)
        if f"sha256:{seen.hexdigest()}" != digest:
            part.unlink()
            raise StoreError("digest mismatch")
        part.rename(self.blob(digest))

    def create(self, name: str, files: dict[str, str], parameters: dict[str, Any]) -> None:
        """Write the manifest of a model of one GGUF file. Raises StoreError for a file that is none or not there."""
        if len(files) != 1:
            raise StoreError("the stand-in makes models of one GGUF file")
        digest = next(iter(files.values()))
        path = self.blob(digest)
        if not path.is_file():
            raise StoreError("invalid digest in files")
        with path.open("rb") as source:
            if source.read(4) != b"GGUF":
                raise StoreError("unsupported content type: unknown")
        layers = [{"mediaType": MODEL_LAYER, "digest": digest, "size": path.stat().st_size}]
        layers.append(self._keep_json(PARAMETERS_LAYER, parameters))
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": self._keep_json("application/vnd.docker.container.image.v1+json", {"model_format": "gguf"}),
            "layers": layers,
        }
        place = self._manifest(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(manifest))

    def delete(self, name: str) -> bool:
        """Remove the model and the blobs that no other has; whether it was there."""
        place = self._manifest(name)
        if not place.is_file():
            return False
        gone = {layer["digest"] for layer in json.loads(place.read_text())["layers"]}
        place.unlink()
        kept = {layer["digest"] for other in self.names() for layer in self._read(other)["layers"]}
        for digest in gone - kept:
            self.blob(digest).unlink(missing_ok=True)
        return True

    def names(self) -> list[str]:
        return sorted(f"{path.parent.name}:{path.name}" for path in self.manifests.glob("*/*"))

    def describe(self, name: str) -> dict[str, Any] | None:
        """A model as /api/tags tells it, with `path`, `file` and `parameters` beside; None for an unknown name."""
        place = self._manifest(name)
        if not place.is_file():
            return None
        text = place.read_bytes()
        layers = {layer["mediaType"]: layer for layer in json.loads(text)["layers"]}
        model = layers[MODEL_LAYER]
        path = self.blob(model["digest"])
        with path.open("rb") as source:
            embeds = b".pooling_type" in source.read(HEADER_BYTES)
        return {
            "name": full_name(name),
            "digest": hashlib.sha256(text).hexdigest(),
            "size": sum(layer["size"] for layer in layers.values()),
            "modified_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(place.stat().st_mtime)),
            "path": str(path),
            "parameters": json.loads(self.blob(layers[PARAMETERS_LAYER]["digest"]).read_text()),
            "embeds": embeds,
        }

    def _read(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self._manifest(name).read_text()))

    def _manifest(self, name: str) -> Path:
        base, _, tag = full_name(name).partition(":")
        if not re.fullmatch(r"[\w.-]+", base) or not re.fullmatch(r"[\w.-]+", tag) or {base, tag} & {".", ".."}:
            raise StoreError("invalid model name")
        return self.manifests / base / tag

    def _keep_json(self, media_type: str, value: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps(value, sort_keys=True).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blob(digest).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}
