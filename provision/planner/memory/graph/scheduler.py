"""Which device computes each node, and the copies of tensors that pass between devices.

Source: ggml/src/ggml-backend.cpp (`ggml_backend_sched_split_graph`) of the pinned llama.cpp build. With several cards
the engine keeps four copies of everything that enters a card, so that it can work on several batches at once
(`GGML_SCHED_MAX_COPIES`; src/llama-context.cpp, `pipeline_parallel`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.planner.memory.graph.allocator import Allocator
from provision.planner.memory.graph.nodes import HOST, Graph, Node

PIPELINE_COPIES = 4

_HOST_ALIGNMENT, _CARD_ALIGNMENT = 32, 128
"""ggml/src/ggml-impl.h (TENSOR_ALIGNMENT), ggml/src/ggml-cuda/ggml-cuda.cu."""


def measure(graph: Graph, cards: int) -> tuple[int, tuple[int, ...]]:
    """Bytes of the host's compute buffer and of each card's."""
    if not cards:
        (host,) = Allocator([_HOST_ALIGNMENT]).place(graph.leaves, graph.nodes)
        return host, ()
    plan = _Schedule(graph, cards)
    sizes = Allocator([_CARD_ALIGNMENT] * cards + [_HOST_ALIGNMENT]).place(plan.leaves, plan.nodes)
    return sizes[-1], sizes[:-1]


class _Schedule:
    """The nodes and leaves of a graph with copies in between, each with the buffer it belongs to."""

    def __init__(self, graph: Graph, cards: int) -> None:
        self.cards = cards
        self.copies = PIPELINE_COPIES if cards > 1 else 1
        self.nodes: list[Node] = []
        self.leaves: list[Node] = []
        copied: dict[tuple[int, int], Node] = {}
        entering: list[Node] = []
        for home, nodes in _splits(graph.nodes):
            inputs = self._redirect(home, nodes, copied)
            for source, copy in inputs:
                self._add(Node((0,), source, external=True), source.home)
                self._add(copy, home)
                entering.append(copy)
            for node in nodes:
                self._add(node, node.home)
                for kept in graph.kept.get(id(node), ()):
                    self._add(kept, home)
        if self.copies > 1:
            self._copy_leaves(graph.leaves, entering)
        for leaf in graph.leaves:
            self._put(self.leaves, leaf, leaf.home)

    def _redirect(
        self, home: int, nodes: Sequence[Node], copied: dict[tuple[int, int], Node]
    ) -> list[tuple[Node, Node]]:
        """Let a split's nodes read copies of what lies elsewhere; give the copies that are new."""
        inputs = []
        for node in nodes:
            if node.is_view or all(source.home == home or source.external for source in node.sources):
                continue
            sources = []
            for source in node.sources:
                if source.home != home and not source.external:
                    key = (id(source), home)
                    if key not in copied:
                        copied[key] = self._copy(source, home)
                        inputs.append((source, copied[key]))
                    source = copied[key]
                sources.append(source)
            node.sources = tuple(sources)
        return inputs

    def _copy(self, of: Node, home: int) -> Node:
        copy = Node(of.shape, item=of.item)
        copy.size = of.size
        copy.home, copy.output = home, self.copies > 1
        return copy

    def _copy_leaves(self, leaves: Sequence[Node], entering: Sequence[Node]) -> None:
        """Everything that enters a device is there several times, from the beginning to the end."""
        for leaf in leaves:
            if leaf.external or leaf.scratch:
                continue
            leaf.output = True
            self._put(self.leaves, leaf, leaf.home)
            for _ in range(self.copies - 1):
                self._put(self.leaves, self._copy(leaf, leaf.home), leaf.home)
        for copy in entering:
            self._put(self.leaves, copy, copy.home)
            for _ in range(self.copies - 1):
                self._put(self.leaves, self._copy(copy, copy.home), copy.home)

    def _add(self, node: Node, home: int) -> None:
        self._put(self.nodes, node, home)

    def _put(self, into: list[Node], node: Node, home: int) -> None:
        node.buffer = self.cards if home == HOST else home
        into.append(node)


def _splits(nodes: Sequence[Node]) -> Iterator[tuple[int, list[Node]]]:
    """Runs of nodes that one device computes; a view belongs to the run it stands in."""
    home = next(node.home for node in nodes if not node.is_view)
    run: list[Node] = []
    for node in nodes:
        if not node.is_view and node.home != home:
            yield home, run
            home, run = node.home, []
        run.append(node)
    yield home, run
