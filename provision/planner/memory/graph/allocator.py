"""ggml's graph allocator: where each tensor of a graph lies, and so how large the buffer must be.

Source: ggml/src/ggml-alloc.c of the pinned llama.cpp build: `ggml_gallocr_alloc_graph_impl`, `ggml_dyn_tallocr_alloc`
(best fit among the free blocks, the last one may grow), with one chunk per buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provision.planner.memory.graph.nodes import Node

_ENDLESS = 1 << 62


class Buffer:
    """One device's buffer. Offsets and sizes in bytes; `peak` is the size that the buffer must have."""

    def __init__(self, alignment: int) -> None:
        self.alignment = alignment
        self.free = [[0, _ENDLESS]]
        self.peak = 0

    def take(self, size: int) -> int:
        """Give the offset of a block of `size` bytes."""
        size = self.align(size)
        best, best_size = len(self.free) - 1, _ENDLESS
        for index in range(best):
            if size <= self.free[index][1] <= best_size:
                best, best_size = index, self.free[index][1]
        block = self.free[best]
        offset = block[0]
        block[0] += size
        block[1] -= size
        if not block[1]:
            del self.free[best]
        self.peak = max(self.peak, offset + size)
        return offset

    def give(self, offset: int, size: int) -> None:
        """Free a block, merged with its free neighbours."""
        size = self.align(size)
        free = self.free
        place = 0
        while place < len(free) and free[place][0] < offset:
            place += 1
        free.insert(place, [offset, size])
        if place + 1 < len(free) and offset + size == free[place + 1][0]:
            free[place][1] += free.pop(place + 1)[1]
        if place and free[place - 1][0] + free[place - 1][1] == offset:
            free[place - 1][1] += free.pop(place)[1]

    def align(self, size: int) -> int:
        return -(-size // self.alignment) * self.alignment


class Allocator:
    """Places a graph's tensors in the buffers that `Node.buffer` names. Used once."""

    def __init__(self, alignments: Sequence[int]) -> None:
        self.buffers = [Buffer(alignment) for alignment in alignments]

    def place(self, leaves: Sequence[Node], nodes: Sequence[Node]) -> tuple[int, ...]:
        """Give each buffer's size in bytes."""
        for leaf in leaves:
            self._allocate(leaf)
        for node in nodes:
            if node.root is not None:
                node.root.views += 1
            for source in node.sources:
                source.children += 1
        allocate, release = self._allocate, self._release
        for node in nodes:
            for source in node.sources:
                allocate(source)
            allocate(node)
            self._leave(node, release)
        return tuple(buffer.peak for buffer in self.buffers)

    def _leave(self, node: Node, release: Callable[[Node], None]) -> None:
        for source in node.sources:
            source.children -= 1
            if source.children or source.views:
                continue
            root = source.root
            if root is None:
                if source.allocated:
                    release(source)
                continue
            root.views -= 1
            if not root.views and not root.children and root.allocated:
                release(root)

    def _allocate(self, node: Node) -> None:
        if node.allocated or node.root is not None or node.external:
            return
        node.allocated = True
        if node.inplace and self._reuse(node):
            return
        node.address = self.buffers[node.buffer].take(node.size + node.extra)

    def _reuse(self, node: Node) -> bool:
        """Whether the node takes over the memory of a source that nobody else needs any more; never that of a view."""
        for source in node.sources:
            if (
                source.allocated
                and source.children == 1
                and not source.views
                and not source.output
                and source.shape == node.shape
                and source.item == node.item
            ):
                source.allocated = False
                node.buffer, node.address = source.buffer, source.address
                return True
        return False

    def _release(self, node: Node) -> None:
        if not node.output:
            self.buffers[node.buffer].give(node.address, node.size + node.extra)
            node.allocated = False
