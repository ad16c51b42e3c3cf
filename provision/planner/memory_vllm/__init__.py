"""vLLM's memory: weights per card, KV blocks, and what its budget leaves."""

from provision.planner.memory_vllm.data import VllmCard, VllmCardPlan, VllmPlan, VllmSettings
from provision.planner.memory_vllm.plan import plan_vllm
from provision.planner.memory_vllm.runtime import outside_mib

__all__ = ["VllmCard", "VllmCardPlan", "VllmPlan", "VllmSettings", "outside_mib", "plan_vllm"]
