"""A model's shape from the file a user points at; nothing but headers is read."""

from __future__ import annotations

from provision.headers.config_json import read_config
from provision.headers.gguf import GgufHeader, read_gguf
from provision.headers.gguf_shape import shape_of_gguf
from provision.headers.shape import ModelShape

__all__ = ["GgufHeader", "ModelShape", "read_config", "read_gguf", "shape_of_gguf"]
