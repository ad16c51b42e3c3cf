"""ggml's allocator and scheduler in the small: reuse, fragmentation, copies."""

from __future__ import annotations

from provision.planner.memory.graph.allocator import Allocator, Buffer
from provision.planner.memory.graph.nodes import Graph, Node, like, view
from provision.planner.memory.graph.scheduler import measure


def test_best_fit_before_growth() -> None:
    buffer = Buffer(32)
    offsets = [buffer.take(size) for size in (64, 32, 96, 32)]
    buffer.give(offsets[0], 64)
    buffer.give(offsets[2], 96)
    assert buffer.take(60) == 0
    assert buffer.take(90) == 96
    assert buffer.take(1) == 224
    assert buffer.peak == 256


def test_neighbours_merge() -> None:
    buffer = Buffer(32)
    offsets = [buffer.take(32) for _ in range(3)]
    for offset in (offsets[0], offsets[2], offsets[1]):
        buffer.give(offset, 32)
    assert buffer.take(96) == 0
    assert buffer.peak == 96


def _chain(last: Node) -> Graph:
    graph = Graph()
    graph.expand(last)
    return graph


def test_an_elementwise_result_takes_its_sources_place() -> None:
    start = Node((256,), Node((8,)))
    assert measure(_chain(like(like(start))), 0) == (32 + 1024, ())


def test_no_result_is_written_over_a_view_or_an_output() -> None:
    start = Node((256,), Node((8,)))
    assert measure(_chain(like(view(start, 256))), 0)[0] == 32 + 2048
    kept = Node((256,), Node((8,)))
    kept.output = True
    assert measure(_chain(like(kept)), 0)[0] == 32 + 2048


def test_a_second_reader_keeps_a_tensor() -> None:
    start = Node((256,), Node((8,)))
    first = Node((256,), start)
    assert measure(_chain(like(first, start)), 0)[0] == 32 + 2048


def test_two_cards_keep_four_copies_of_what_enters() -> None:
    graph = Graph()
    start = Node((256,), Node((8,)))
    graph.expand(start)
    graph.home = 0
    middle = Node((256,), start)
    graph.expand(middle)
    graph.home = 1
    graph.expand(Node((256,), middle))
    host, cards = measure(graph, 2)
    assert host == 4 * 32 + 1024
    assert cards == (4 * 1024 + 1024, 4 * 1024 + 1024)


def test_one_card_keeps_one() -> None:
    graph = Graph()
    start = Node((256,), Node((8,)))
    graph.expand(start)
    graph.home = 0
    graph.expand(Node((256,), start))
    assert measure(graph, 1) == (32 + 1024, (2048,))


def test_a_cache_takes_no_room() -> None:
    row = Node((64,), Node((8,)))
    graph = _chain(Node((64,), row, external=True))
    assert Allocator([32]).place(graph.leaves, graph.nodes) == (32 + 256,)
