"""The parts that all of llama.cpp's graphs are made of.

Source: src/llama-graph.cpp of the pinned build (`build_inp_embd`, `build_norm`, `build_ffn`, `build_moe_ffn`).
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.models.architecture import Architecture, Serving
from provision.planner.memory.block_tensors import selection_bias
from provision.planner.memory.cache import cells_per_slot, ubatch_of, window_cells
from provision.planner.memory.graph.nodes import HOST, Graph, Node, contiguous, like, multiply, top, view
from provision.planner.memory.layers import required

INT64 = 8
HALF = 2


class Builder:
    """A graph in the making, with the sizes that it depends on.

    `owners` names the card of each layer and, at the end, of the output layer; `layers` those that are built.
    `tokens` of one compute batch, rounded up to whole sequences, `sequences` one per slot, `outputs` rows of logits.
    """

    def __init__(
        self, architecture: Architecture, serving: Serving, owners: Sequence[int], layers: Sequence[int]
    ) -> None:
        self.architecture, self.serving = architecture, serving
        self.owners, self.layers = owners, layers
        self.graph = Graph()
        self.sequences = serving.parallel
        wanted = ubatch_of(architecture, serving)
        self.tokens = -(-wanted // self.sequences) * self.sequences
        slots = serving.reserve_outputs == "slots" and not architecture.encoder
        self.outputs = min(wanted, self.sequences) if slots else wanted
        self.cells = cells_per_slot(serving)
        self.window_cells = window_cells(architecture, serving) if architecture.window else 0
        self.positions = Node((self.tokens,))
        self.chosen = Node((self.outputs,))
        self.token_ids = Node((self.tokens,))

    def embed(self, *, mixed: bool = True, scaled: bool = False) -> Node:
        """Token embeddings, with the ways that other inputs would take: their tensors are reserved as well.

        The host looks tokens up. BERT's positions too, so that what stands between is left to it.
        """
        width, tokens = self.architecture.embedding, self.tokens
        found = Node((width, tokens), self.token_ids)
        self.graph.expand(found)
        self.graph.expand(Node((width, tokens)))
        if mixed:
            rows = Node((width, tokens), Node((tokens,)))
            self.graph.expand(rows)
            self.graph.home = HOST if self.architecture.family == "bert" else self.owners[0]
            copied = contiguous(Node((width, tokens)))
            self.graph.expand(self.write_rows(copied, rows, Node((tokens,), item=INT64)))
        self.graph.home = self.owners[0]
        if scaled:
            found = like(found, Node((1, tokens)))
        self.graph.expand(found)
        return found

    def enter(self, layer: int, flow: Node) -> None:
        """Begin a layer: what it computes lies on its card, and `flow`, which enters it, where that was made."""
        self.graph.claim(flow)
        self.graph.home = self.owners[layer]

    def enter_normed(self, layer: int, flow: Node) -> Node:
        """Begin a layer with its norm, of which llama-fit-params computes the unweighted part one card too early.

        (`ggml_backend_sched_reserve_size` forgets what `graph_get_cb` of src/llama-context.cpp has placed.)
        """
        normed = like(flow)
        self.enter(layer, normed if self.serving.reserve_outputs == "ubatch" else flow)
        return like(normed)

    def leave(self, flow: Node) -> None:
        """Begin the output layer."""
        self.enter(-1, flow)

    def converted_cache(self, cells: int) -> int:
        """Bytes that attention takes beside its result: CUDA's kernels for batches read a quantised cache as f16.

        Source: ggml/src/ggml-cuda/fattn.cu (`ggml_cuda_flash_attn_ext_get_alloc_size`), the same for all cards since
        Turing. Latent attention's values are a part of its keys and not converted again.
        """
        a = self.architecture
        if self.serving.backend == "cpu" or self.serving.kv == "f16":
            return 0
        width = a.key_dim + (0 if a.latent or a.compressed else a.value_dim)
        return HALF * a.kv_heads * width * cells * self.sequences

    def finish(self, of: Node) -> None:
        """The output layer: norm and logits, both kept."""
        normed = self.rms_norm(of)
        normed.output = True
        logits = multiply(self.architecture.vocabulary, normed)
        logits.output = True
        self.graph.expand(logits)

    @staticmethod
    def write_rows(into: Node, rows: Node, places: Node) -> Node:
        return Node(into.shape, rows, places, into, item=into.item, root=into.root or into)

    def rms_norm(self, of: Node, *, weighted: bool = True) -> Node:
        normed = like(of)
        return like(normed) if weighted else normed

    def pick(self, of: Node) -> Node:
        """The rows that give logits."""
        return Node((of.shape[0], self.outputs), of, self.chosen)

    def feed_forward(self, of: Node, width: int) -> Node:
        """A gated feed-forward layer."""
        up, gate = multiply(width, of), multiply(width, of)
        return multiply(self.architecture.embedding, Node(gate.shape, gate, up))

    def route(self, of: Node, gating: str, *, normed: bool, scaled: bool, chosen: Node | None = None) -> Node:
        """A mixture of experts: every token's chosen experts, weighted and summed."""
        experts = required(self.architecture.experts)
        used, tokens, biased = experts.used, of.shape[1], self.architecture.family == "gpt-oss"
        probabilities, selection = self._probabilities(of, gating, biased=biased)
        selected = chosen if chosen is not None else top(self._grouped(selection), used)
        weights = Node((1, used, tokens), view(probabilities, 1, experts.count, tokens), selected)
        if gating == "softmax_weight":
            weights = view(like(view(weights, used, tokens)), 1, used, tokens)
        if normed:
            flat = view(weights, used, tokens)
            weights = view(like(flat, like(Node((1, tokens), flat))), 1, used, tokens)
        if scaled:
            weights = like(weights)
        self.graph.expand(weights)
        return self._sum_experts(self._run_experts(of, weights, selected, biased=biased), used)

    def _probabilities(self, of: Node, gating: str, *, biased: bool) -> tuple[Node, Node]:
        """The experts' probabilities, and what they are selected by."""
        experts, family = required(self.architecture.experts), self.architecture.family
        logits = multiply(experts.count, of)
        if biased:
            logits = like(logits)
        probabilities = logits if gating == "softmax_weight" else like(logits)
        if gating == "sqrt_softplus":
            probabilities = like(probabilities)
        if family == "llama4":
            return probabilities, logits
        if selection_bias(self.architecture):
            return probabilities, like(probabilities)
        return probabilities, probabilities

    def _grouped(self, selection: Node) -> Node:
        """DeepSeek V2 and V3 first choose groups of experts and mask out the others."""
        groups, used = GROUPS.get((self.architecture.family, selection.shape[0]), (1, 1))
        if groups == 1:
            return selection
        count, tokens = selection.shape
        each = count // groups
        grouped = view(selection, each, groups, tokens)
        best = top(grouped, 2)
        scores = Node((1, 2, groups, tokens), view(grouped, 1, each, groups, tokens), best)
        sums = view(Node((1, groups, tokens), view(scores, 2, groups, tokens)), groups, tokens)
        chosen = top(sums, used)
        kept = Node((each, used, tokens), grouped, chosen)
        return view(self.write_rows(like(grouped), kept, chosen), count, tokens)

    def _run_experts(self, of: Node, weights: Node, selected: Node, *, biased: bool) -> Node:
        experts, width = required(self.architecture.experts), self.architecture.embedding
        used, tokens, inner = experts.used, of.shape[1], experts.feed_forward
        before = self.architecture.family == "llama4"
        entered = view(of, width, 1, tokens)
        if before:
            entered = like(Node((width, used, tokens), entered), weights)
        up, gate = (Node((inner, used, tokens), entered, selected) for _ in range(2))
        if biased:
            up, gate = like(up, selected), like(gate, selected)
        down = Node((width, used, tokens), Node(gate.shape, gate, up), selected)
        if biased:
            down = like(down, selected)
        return down if before else like(down, weights)

    def _sum_experts(self, experts: Node, used: int) -> Node:
        """CUDA computes weighting and sum in one go, and so keeps the experts' results until the end (ggml-cuda.cu,
        `ggml_cuda_match_moe_weighted_reduction`)."""
        width, _, tokens = experts.shape
        self.graph.expand(experts)
        shares = [view(experts, width, tokens) for _ in range(used)]
        for share in shares:
            self.graph.expand(share)
        total = shares[0]
        for share in shares[1:]:
            total = like(total, share)
            self.graph.expand(total)
        if used == 1:
            return contiguous(total)
        if self.serving.backend == "cuda":
            self.graph.keep(total, *experts.sources)
        return total


GROUPS = {("deepseek2", 160): (8, 3), ("deepseek2", 256): (8, 4)}
"""Groups of experts and how many of them are used, by count of experts: `n_group` and `topk_group` of the makers'
configurations (V2 and V3)."""
