"""Published start-up logs of vLLM, as recorded there. GiB as logged (two digits), tokens and blocks exact."""

from __future__ import annotations

from typing import NamedTuple

from provision.models.architecture import Architecture, KvFormat, Serving
from provision.planner.memory_vllm import VllmCard
from tests.unit.planner import vllm_shapes as shapes

GIB = 2**30
ROUNDING_GIB = 0.006
"""Logs have two digits of a GiB."""


class Sweep(NamedTuple):
    """One run of the sweep: `linear` is bytes per element of the layers' weights (0: a packing that is not modelled).

    H100 80 GB (79.19 GiB for CUDA), vLLM 0.19.0, 8192 batched tokens, 1024 sequences. Source: llm-d-incubation/
    llm-d-planner, accuracy/results/v0.19.0 (logs), and results_raw.csv of jgchn/llm-d-planner.
    """

    model: str
    shape: Architecture
    cards: int
    linear: float
    weights: float
    activation: float
    non_torch: float
    graphs: float
    kv_gib: float
    tokens: int
    blocks: int
    concurrency: float
    kv: KvFormat = "f16"
    context: int = 8192
    utilisation: float = 0.95


SWEEP = (
    Sweep("CodeLlama-7b-hf", shapes.CODELLAMA_7B, 1, 2, 12.56, 0.77, 0.25, 0.89, 61.66, 126256, 7891, 15.41),
    Sweep("DeepSeek-V2-Lite-Chat", shapes.DEEPSEEK_LITE, 1, 2, 29.43, 1.93, 0.26, 1.57, 43.61, 1505552, 94097, 183.78),
    Sweep("Llama-3.3-70B fp8", shapes.LLAMA_70B, 2, 1, 33.88, 1.96, 2.10, 1.79, 37.28, 244304, 15269, 29.82),
    Sweep("Llama-3.3-70B fp8", shapes.LLAMA_70B, 4, 1, 16.96, 1.97, 2.21, 1.66, 54.09, 708992, 44312, 86.55),
    Sweep("Llama-3.3-70B w8a8", shapes.LLAMA_70B, 2, 1, 33.88, 1.96, 2.11, 1.85, 37.28, 244304, 15269, 29.82),
    Sweep("Qwen2.5-7B fp8", shapes.QWEN25_7B, 1, 1, 8.14, 2.21, 0.24, 0.81, 64.64, 1210304, 75644, 147.74),
    Sweep("Qwen2.5-7B w8a8", shapes.QWEN25_7B, 1, 1, 8.14, 2.21, 0.25, 0.88, 64.64, 1210272, 75642, 147.74),
    Sweep("gemma-2-27b-it", shapes.GEMMA2_27B, 1, 2, 50.72, 3.66, 0.26, 1.23, 20.59, 58672, 7335, 7.16),
    Sweep("gemma-2-2b-it", shapes.GEMMA2_2B, 1, 2, 4.90, 3.62, 0.24, 0.71, 66.47, 670160, 83770, 81.73),
    Sweep("gemma-2-9b-it", shapes.GEMMA2_9B, 1, 2, 17.22, 3.65, 0.25, 1.09, 54.12, 168880, 21110, 20.60),
    Sweep("gemma-3-12b-it", shapes.GEMMA3_12B, 1, 2, 23.31, 3.94, 0.25, 0.94, 47.72, 130304, 48867, 15.88),
    Sweep("gemma-3-27b-it", shapes.GEMMA3_27B, 1, 2, 51.45, 3.99, 0.26, 1.14, 19.53, 36560, 15997, 4.46),
    Sweep("gemma-3-4b-it", shapes.GEMMA3_4B, 1, 2, 8.58, 3.89, 0.25, 0.67, 62.51, 468144, 204817, 57.05),
    Sweep("gemma-7b", shapes.GEMMA_7B, 1, 2, 15.91, 3.63, 0.25, 0.94, 55.44, 129760, 8110, 15.84),
    Sweep("granite-3.1-2b", shapes.GRANITE_2B, 1, 2, 4.74, 0.75, 0.46, 0.84, 69.28, 908048, 56753, 110.85),
    Sweep("granite-3.1-8b", shapes.GRANITE_8B, 1, 2, 15.25, 0.85, 0.46, 0.98, 58.66, 384432, 24027, 46.93),
    Sweep("Llama-3.1-8B kv fp8", shapes.LLAMA_8B, 1, 2, 14.99, 1.89, 0.25, 0.91, 58.11, 952032, 59502, 116.21, "fp8"),
    Sweep("Llama-3.1-8B", shapes.LLAMA_8B, 1, 2, 14.99, 1.89, 0.25, 0.91, 58.11, 476016, 29751, 58.11),
    Sweep("Llama-3.1-8B 2k", shapes.LLAMA_8B, 1, 2, 14.99, 1.89, 0.25, 0.91, 58.11, 476016, 29751, 232.43, "f16", 2048),
    Sweep(
        "Llama-3.1-8B 32k", shapes.LLAMA_8B, 1, 2, 14.99, 1.89, 0.25, 0.91, 58.11, 476016, 29751, 14.53, "f16", 32768
    ),
    Sweep("Llama-3.1-8B fp8", shapes.LLAMA_8B, 1, 1, 8.49, 1.89, 0.25, 0.87, 64.61, 529248, 33078, 64.61),
    Sweep("Llama-3.1-8B w4a16", shapes.LLAMA_8B, 1, 0.516, 5.38, 1.89, 0.25, 0.96, 67.71, 554704, 34669, 67.71),
    Sweep("Llama-3.1-8B", shapes.LLAMA_8B, 2, 2, 7.51, 1.89, 2.07, 0.76, 63.76, 1044688, 65293, 127.53),
    Sweep("Llama-3.1-8B", shapes.LLAMA_8B, 4, 2, 3.77, 1.89, 2.13, 0.67, 67.44, 2209792, 138112, 269.75),
    Sweep("phi-4", shapes.PHI4, 1, 2, 27.39, 1.52, 0.25, 1.07, 46.08, 241568, 15098, 29.49),
    Sweep("Mistral-Small-3.1-24B", shapes.MISTRAL_24B, 1, 2, 44.76, 2.03, 0.25, 1.06, 28.19, 184752, 11547, 22.55),
    Sweep("Mixtral-8x7B", shapes.MIXTRAL, 2, 2, 43.51, 1.21, 2.07, 0.93, 28.44, 465936, 29121, 56.88),
    Sweep("Kimi-Dev-72B", shapes.QWEN25_72B, 2, 2, 67.82, 2.29, 2.09, 1.61, 3.02, 19776, 1236, 2.41),
    Sweep("Kimi-Dev-72B", shapes.QWEN25_72B, 4, 2, 34.01, 2.29, 2.21, 1.54, 36.72, 481296, 30081, 58.75),
    Sweep("Kimi-VL-A3B", shapes.KIMI_VL, 1, 2, 30.74, 2.92, 0.25, 1.50, 41.32, 1426368, 89148, 174.12),
    Sweep("Kimi-VL-A3B", shapes.KIMI_VL, 2, 2, 15.53, 2.85, 2.07, 1.26, 54.78, 1890896, 118181, 230.82),
    Sweep(
        "gpt-oss-20b",
        shapes.GPT_OSS_20B,
        2,
        0,
        7.01,
        2.87,
        2.07,
        1.55,
        59.32,
        2591776,
        323972,
        316.07,
        "f16",
        8192,
        0.9,
    ),
    Sweep("Llama-4-Scout", shapes.LLAMA4_SCOUT, 4, 2, 53.12, 3.19, 2.17, 1.09, 16.75, 365968, 22873, 44.68),
    Sweep("Qwen2.5-7B kv fp8", shapes.QWEN25_7B, 1, 2, 14.25, 2.21, 0.24, 0.86, 58.53, 2192000, 137000, 267.58, "fp8"),
    Sweep("Qwen2.5-72B", shapes.QWEN25_72B, 2, 2, 67.80, 2.29, 2.09, 1.61, 3.04, 19920, 1245, 2.43),
    Sweep("Qwen2.5-7B", shapes.QWEN25_7B, 1, 2, 14.25, 2.21, 0.24, 0.87, 58.53, 1096000, 68500, 133.79),
    Sweep("Qwen2.5-7B", shapes.QWEN25_7B, 2, 2, 7.12, 2.21, 2.06, 0.71, 63.84, 2390592, 149412, 291.82),
    Sweep("Qwen2.5-7B", shapes.QWEN25_7B, 4, 2, 3.55, 2.21, 2.13, 0.64, 67.34, 5043280, 315205, 615.63),
    Sweep("Qwen3-30B-A3B", shapes.QWEN3_30B, 1, 2, 56.88, 2.68, 0.27, 1.41, 15.41, 168288, 10518, 20.54),
    Sweep("Qwen3-8B", shapes.QWEN3_8B, 1, 2, 15.27, 2.21, 0.25, 0.96, 57.50, 418688, 26168, 51.11),
)


class KvLog(NamedTuple):
    """Blocks, or tokens as the version reckons them, from the KV memory that the log states. `context` and
    `concurrency` are 0 where the log does not say."""

    source: str
    version: str
    shape: Architecture
    cards: int
    kv: KvFormat
    kv_gib: float
    blocks: int
    context: int = 0
    concurrency: float = 0.0
    batched: int = 8192


KV_LOGS = (
    KvLog("vllm-project/vllm#10517 (RTX 3090)", "0.6", shapes.LLAMA_8B, 1, "f16", 3.81, 1952, 20000, 1.56),
    KvLog("vllm-project/vllm#10517 (RTX 3090)", "0.6", shapes.LLAMA_8B, 1, "f16", 2.89, 1478, 29000, 0.82),
    KvLog("vllm-project/vllm#12330 (A100 40 GB)", "0.6.6", shapes.LLAMA_8B, 1, "f16", 11.12, 5691, 8192, 11.12),
    KvLog("vllm-project/vllm#12126 (H100)", "0.6.6", shapes.LLAMA_11B_VISION, 1, "f16", 14.65, 6001),
    KvLog("LMCache/LMCache#3430", "0.21", shapes.QWEN3_8B, 1, "f16", 6.37, 46368 // 16, 16384, 2.83),
    KvLog("text index 70682754770 (A100 80 GB)", "0.31.0", shapes.LLAMA_8B, 1, "f16", 56.21, 28781, 131072, 3.51),
    KvLog("text index 14319663172", "0.8", shapes.LLAMA_8B, 1, "f16", 4.60, 2356, 131072, 0.29),
    KvLog("text index 55875904831 (T4)", "0.8", shapes.QWEN25_15B, 1, "f16", 2.36, 5517, 32768, 2.69),
    KvLog("text index 33122952765", "0.8", shapes.QWEN25_05B, 1, "f16", 34.81, 190100, 32768, 92.82),
    KvLog("text index 6934259882", "0.8", shapes.PHI4, 1, "f16", 45.21, 14815, 512, 462.97),
    KvLog("text index 5773335890", "0.6", shapes.PHI4, 1, "f16", 2.18, 715, 2048, 5.59),
    KvLog("vllm-project/vllm#21348 (H100)", "0.9", shapes.QWEN3_235B, 4, "f16", 8.11, 178880 // 16),
    KvLog("vllm-project/vllm#13061 (RTX 4090)", "0.7", shapes.QWEN25_14B, 2, "f16", 8.69, 81536 // 16),
)
OTHER_RANK_DECIDES = {"vllm-project/vllm#21348 (H100)", "vllm-project/vllm#13061 (RTX 4090)"}
"""Logs with the KV memory of one rank only: the poorest decides, so fewer blocks than reckoned are no surprise."""


def serve(log: Sweep) -> Serving:
    return Serving(
        engine="vllm",
        context=log.context,
        parallel=1024,
        kv=log.kv,
        ubatch=8192,
        tensor_parallel=log.cards,
        utilisation=log.utilisation,
    )


def cards(count: int, total_mib: int = 81090, *, nvlink: bool = True, taken_mib: int = 0) -> list[VllmCard]:
    return [
        VllmCard(index=index, total_mib=total_mib, context_mib=522, nvlink=nvlink, taken_mib=taken_mib)
        for index in range(count)
    ]
