"""A small catalogue and profiles made in code, so that these tests stand on no data file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provision.models.architecture import Architecture, Window
from provision.models.catalog import Catalog, GpuEntry, ModelEntry, Quant, ServiceEntry
from provision.models.lab import LabModel
from provision.models.profile import Profile

MakeProfile = Callable[..., Profile]


def _service(name: str, port: int | None, *needs: str, installs: str = "release") -> ServiceEntry:
    return ServiceEntry.model_validate(
        {
            "name": name,
            "role": name,
            "unit": f"{name}.service",
            "port": port,
            "needs": needs,
            "installs": installs,
            "release": "1.0-0123456789ab" if installs == "release" else None,
        }
    )


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    ada = {"bandwidth_gb_s": 1008.0, "tdp_w": 450, "context_overhead_mib": 450, "usable_measured": True, "source": "t"}
    return Catalog(
        gpus={
            "rtx-4090": GpuEntry(
                id="rtx-4090", nvml_name="NVIDIA GeForce RTX 4090", memory_mib=24564, usable_mib=24080, **ada
            ),
            "big": GpuEntry(id="big", nvml_name="Big", memory_mib=81559, usable_mib=81121, **ada),
        },
        models={
            "llama3.3-70b": ModelEntry(
                id="llama3.3-70b",
                name="Llama 3.3 70B",
                architecture=Architecture(
                    family="llama",
                    layers=80,
                    embedding=8192,
                    vocabulary=128256,
                    max_context=131072,
                    heads=64,
                    kv_heads=8,
                    key_dim=128,
                    value_dim=128,
                    feed_forward=28672,
                ),
                parameters_b=70.55,
                active_parameters_b=70.55,
                engines=("llama.cpp",),
                quants=(
                    Quant(name="q8_0", file_mib=71494, source="t"),
                    Quant(name="q4_k_m", file_mib=40543, source="t"),
                    Quant(name="q3_k_m", file_mib=32656, source="t"),
                ),
                licence="Llama 3.3 Community",
                source="t",
            ),
            "gemma-3-270m": ModelEntry(
                id="gemma-3-270m",
                name="Gemma 3 270M",
                architecture=Architecture(
                    family="gemma3",
                    layers=18,
                    embedding=640,
                    vocabulary=262144,
                    max_context=32768,
                    heads=4,
                    kv_heads=1,
                    key_dim=256,
                    value_dim=256,
                    feed_forward=2048,
                    tied_embeddings=True,
                    qk_norm=True,
                    full_attention_every=6,
                    window=Window(tokens=512, kind="sliding"),
                ),
                parameters_b=0.268,
                active_parameters_b=0.268,
                engines=("llama.cpp",),
                quants=(Quant(name="q4_k_m", file_mib=241, source="t"),),
                licence="Gemma",
                source="t",
            ),
        },
        services={
            entry.name: entry
            for entry in (
                _service("llama_cpp", 8081),
                _service("postgresql", 5432, installs="package"),
                _service("open_webui", 3000, "postgresql", "llama_cpp"),
                _service("n8n", 5678, "postgresql", "llama_cpp"),
                _service("caddy", 443, installs="package"),
            )
        },
        artifacts={},
    )


@pytest.fixture(scope="session")
def lab_model() -> LabModel:
    return LabModel(
        id="gemma-3-270m",
        quant="q4_k_m",
        file="gemma-3-270m-q4_k_m.gguf",
        weights_mib=241,
        compute_mib=60,
        process_overhead_mib=50,
        max_context=2048,
    )


def _machine(name: str, services: list[str], address: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "services": services,
        "cores": 2,
        "memory": "8GiB",
        "disk": "20GiB",
        "address": address,
    } | more


def model(name: str = "chat", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "model": "llama3.3-70b",
        "quant": "q4_k_m",
        "context": 8192,
        "parallel": 2,
        "kv": "q8_0",
    } | more


@pytest.fixture(scope="session")
def make_model() -> Callable[..., dict[str, Any]]:
    return model


@pytest.fixture(scope="session")
def make_profile() -> MakeProfile:
    """Two RTX 4090 and four guests; keyword arguments replace whole sections."""

    def make(*, gpus: list[dict[str, Any]] | None = None, **sections: Any) -> Profile:
        document: dict[str, Any] = {
            "name": "test",
            "platform": {"kind": "proxmox"},
            "hardware": {
                "cpu": {"model": "Ryzen", "cores": 16},
                "memory": "128GiB",
                "storage": "2TB",
                "power_supply": "1600W",
                "gpus": [{"model": "rtx-4090", "count": 2}] if gpus is None else gpus,
            },
            "network": {"admin_networks": ["192.168.7.0/24"]},
            "workload": {"models": [model()]},
            "machines": [
                _machine("engine", ["llama_cpp"], 11, memory="64GiB"),
                _machine("data", ["postgresql"], 12),
                _machine("apps", ["open_webui", "n8n"], 13),
                _machine("gateway", ["caddy"], 10),
            ],
        }
        return Profile.model_validate(document | sections)

    return make


@pytest.fixture(scope="session")
def make_machine() -> Callable[..., dict[str, Any]]:
    return _machine
