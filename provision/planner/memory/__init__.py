"""What a model takes in memory under llama.cpp, as the engine's own allocator would say.

`weigh` a model's weights, `place` it on cards: pure functions of the model's shape and of how it is served.
"""

from provision.planner.memory.cache import cache_bytes
from provision.planner.memory.compute import GRAPHS, compute_bytes
from provision.planner.memory.ggml import Tensor
from provision.planner.memory.quantisation import MIXTURES
from provision.planner.memory.split import CardMemory, Placement, deal_layers, place
from provision.planner.memory.tensors import FAMILIES, list_tensors
from provision.planner.memory.weights import weigh, weigh_tensors

__all__ = [
    "FAMILIES",
    "GRAPHS",
    "MIXTURES",
    "CardMemory",
    "Placement",
    "Tensor",
    "cache_bytes",
    "compute_bytes",
    "deal_layers",
    "list_tensors",
    "place",
    "weigh",
    "weigh_tensors",
]
