"""A compute graph as ggml builds it: tensors, views of tensors, and the order of execution.

Weights and caches lie in buffers of their own and are left out, so an operation lists only the sources that the
allocator places. Source: ggml/src/ggml.c of the pinned llama.cpp build (`ggml_visit_parents_graph`, shapes of results).
"""

from __future__ import annotations

from math import prod

Shape = tuple[int, ...]


class Node:
    """A tensor of the graph. `shape` in elements, `item` bytes per element.

    `root` is the tensor that a view shows; `inplace` says that the operation may write over a source, `external` that
    the result lies in a cache. `home` is the card that computes it, `HOST` without one; `extra` bytes are taken beside
    the result. A `scratch` tensor is no input.
    """

    __slots__ = (
        "address", "allocated", "buffer", "children", "external", "extra", "home", "inplace", "is_view", "item",
        "output", "root", "scratch", "shape", "size", "sources", "views", "visited",
    )  # fmt: skip

    def __init__(
        self,
        shape: Shape,
        *sources: Node,
        item: int = 4,
        root: Node | None = None,
        inplace: bool = False,
        external: bool = False,
    ) -> None:
        self.shape, self.item, self.sources = shape, item, sources
        self.root, self.inplace, self.external = root, inplace, external
        self.size = prod(shape) * item
        self.extra = 0
        self.output = self.visited = self.allocated = self.scratch = self.is_view = False
        self.children = self.views = self.address = self.buffer = 0
        self.home = UNKNOWN


UNKNOWN, HOST = -2, -1


def like(first: Node, *others: Node) -> Node:
    """An elementwise result with the shape of `first`, which ggml may write over a source."""
    return Node(first.shape, first, *others, item=first.item, inplace=True)


def view(of: Node, *shape: int) -> Node:
    """A part of a tensor, or the same values in another shape or order."""
    shown = Node(shape, of, item=of.item, root=of.root or of, external=of.external)
    shown.is_view = True
    return shown


def scratch(shape: Shape, *, item: int) -> Node:
    """A tensor that is written before it is read: no input, yet reserved from the beginning."""
    made = Node(shape, item=item)
    made.scratch = True
    return made


def multiply(rows: int, by: Node, *first: Node) -> Node:
    """A matrix product: `rows` results per column of `by`. `first` is the matrix where it is no weight."""
    return Node((rows, *by.shape[1:]), *first, by)


def contiguous(of: Node, *shape: int) -> Node:
    return Node(shape or of.shape, of, item=of.item)


def concat(first: Node, second: Node, axis: int) -> Node:
    shape = list(first.shape)
    shape[axis] += second.shape[axis]
    return Node(tuple(shape), first, second, item=first.item)


def top(scores: Node, count: int) -> Node:
    """The indices of the `count` highest of each row: a view of all, sorted."""
    return view(Node(scores.shape, scores), count, *scores.shape[1:])


class Graph:
    """Nodes in the order of execution, and the inputs (`leaves`) in the order in which they are met.

    Nodes get the home that the graph has when they are claimed or added; inputs lie on the host.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.leaves: list[Node] = []
        self.kept: dict[int, tuple[Node, ...]] = {}
        self.home = HOST

    def expand(self, node: Node) -> None:
        """Add a node with all that it needs (`ggml_build_forward_expand`)."""
        if node.visited:
            return
        node.visited = True
        for source in node.sources:
            if not source.visited:
                self.expand(source)
        self._settle(node)
        (self.nodes if node.sources else self.leaves).append(node)

    def claim(self, node: Node) -> None:
        """Settle the home of a node, and of all that it needs, without adding them yet."""
        if node.visited or node.home != UNKNOWN:
            return
        for source in node.sources:
            self.claim(source)
        self._settle(node)

    def _settle(self, node: Node) -> None:
        if node.home != UNKNOWN:
            return
        if node.is_view and node.root is not None:
            node.home = node.root.home
        else:
            node.home = self.home if node.sources or node.scratch else HOST

    def keep(self, until: Node, *kept: Node) -> None:
        """Keep tensors in memory until a node is computed (`add_alloc_dep`)."""
        self.kept[id(until)] = (Node((0,), *kept, external=True),)
