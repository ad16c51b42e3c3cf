"""One tensor of a model's file, as its header describes it."""

from __future__ import annotations

from provision.models.base import Frozen


class TensorInfo(Frozen):
    """`shape` in the file's own order: a GGUF begins with the row's length, safetensors ends with it.

    `type` is the file's name of the element type in lower case: 'q4_k', 'bf16', 'f8_e4m3'. `bytes` without padding.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    bytes: int

    @property
    def size(self) -> int:
        """Bytes, under the name that the memory model asks for."""
        return self.bytes
