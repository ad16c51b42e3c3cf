"""What a live target fetches is pinned, and comes from the mirror where one is named."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from provision.catalog import load_catalog, node_artifacts
from provision.errors import ErrorGroup, SetupError
from provision.inventory import build_inventory
from provision.models.plan import Plan
from provision.pipeline import mirror
from provision.pipeline.artifacts import published_files, require_pinned
from provision.pipeline.node_files import find_driver
from provision.pipeline.options import Options
from provision.planner import build_plan
from provision.profile import load_profile

MODEL = "llama3.3-70b-q4_k_m.gguf"


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROVISION_CACHE", str(tmp_path / "cache"))


def plan_of(*overrides: str, profile: str = "hetzner-rtx6000") -> Plan:
    loaded = load_profile(profile, overrides=overrides).profile
    return build_plan(loaded, load_catalog(), client="acme", target="live", lab=None)


def test_model_comes_from_its_publisher_by_sha256() -> None:
    require_pinned(plan_of())
    (model,) = published_files(plan_of(), None).model_files
    pinned = node_artifacts.load_artifacts(None)[MODEL]
    assert (model.file, model.url, model.sha256) == (MODEL, pinned.url, pinned.checksum.hex)


def test_mirror_is_asked_by_sha256_alone() -> None:
    plan = plan_of("artifact_mirror=http://10.0.0.5:8099")
    (model,) = published_files(plan, None).model_files
    assert model.url == f"http://10.0.0.5:8099/sha256/{model.sha256}"
    driver = find_driver(plan, may_reboot=False)
    assert driver is not None
    assert driver.installer.url == f"http://10.0.0.5:8099/sha256/{driver.installer.sha256}"


def test_model_that_nobody_pinned_is_refused_before_anything_happens() -> None:
    with pytest.raises(ErrorGroup) as refused:
        require_pinned(plan_of("workload.models[0].quant=q8_0", profile="cpu-small"))
    (error,) = refused.value.errors
    assert "not pinned" in error.what
    assert MODEL in error.hint


@pytest.mark.parametrize("profile", ["cpu-small", "hetzner-rtx6000", "scaleway-h100", "sme-2x4090"])
def test_every_built_in_profile_is_pinned(profile: str) -> None:
    require_pinned(plan_of(*([] if profile != "sme-2x4090" else ["host=pve"]), profile=profile))


def test_pinned_models_are_those_of_the_catalogue() -> None:
    """A file of another model, or another quantisation, has another size."""
    catalog, pinned = load_catalog(), node_artifacts.load_artifacts(None)
    names = [name for name in pinned if name.endswith(".gguf")]
    assert len(names) >= 7
    for name in names:
        model, _, quant = name.removesuffix(".gguf").rpartition("-")
        (known,) = [one for one in catalog.models[model].quants if one.name == quant]
        assert pinned[name].licence == catalog.models[model].licence
        size = pinned[name].size_bytes
        assert size is None or known.file_bytes is None or abs(size / known.file_bytes - 1) < 0.003, name


def test_pinned_checkpoints_are_those_of_the_catalogue() -> None:
    catalog, pinned = load_catalog(), node_artifacts.load_artifacts(None)
    folders = {name.partition("/")[0] for name in pinned if "/" in name}
    assert len(folders) >= 2
    for folder in folders:
        model, _, quant = folder.rpartition("-")
        (known,) = [one for one in catalog.models[model].checkpoints if one.name == quant]
        files = {name.partition("/")[2]: file for name, file in pinned.items() if name.startswith(f"{folder}/")}
        assert {"config.json", "tokenizer.json", "model.safetensors.index.json"} <= set(files)
        weights = [file for name, file in files.items() if name.endswith(".safetensors")]
        total = int(weights[-1].name.partition("-of-")[2].partition(".")[0])
        assert len(weights) == total + 1, "OpenAI counts from 0 to N"
        size = sum(file.size_bytes or 0 for file in weights)
        assert known.file_bytes is not None
        assert abs(size / known.file_bytes - 1) < 0.005, (folder, size)


VLLM = (
    "machines.0.services=[vllm, decision_layer, postgresql, qdrant, open_webui, n8n, caddy]",
    "workload.models.0.engine=vllm",
    "workload.models.0.quant=mxfp4",
    "workload.models.0.kv=f16",
)


@pytest.mark.parametrize(("profile", "model"), [("hetzner-rtx6000", "gpt-oss-20b"), ("scaleway-h100", "gpt-oss-120b")])
def test_a_live_target_fetches_a_whole_checkpoint_for_vllm(profile: str, model: str) -> None:
    plan = plan_of(*VLLM, f"workload.models.0.model={model}", profile=profile)
    require_pinned(plan)
    files = {file.file.partition("/")[2]: file for file in published_files(plan, None).model_files}
    assert {"config.json", "tokenizer.json", "o200k_base.tiktoken"} <= set(files)
    (host,) = build_inventory(plan, published_files(plan, None)).host_vars.values()
    (folder,), (instance,) = host["vllm_models"], host["vllm_instances"]
    assert {file["file"] for file in folder["files"]} == set(files)
    assert instance["environment"]["TIKTOKEN_ENCODINGS_BASE"] == f"/var/lib/vllm/models/{folder['folder']}"


def test_a_checkpoint_that_nobody_pinned_is_refused_with_those_that_are() -> None:
    with pytest.raises(ErrorGroup) as refused:
        require_pinned(plan_of(*VLLM, "workload.models.0.model=qwen3-8b", "workload.models.0.quant=fp8"))
    (error,) = refused.value.errors
    assert "gpt-oss-20b-mxfp4" in error.hint
    assert ".gguf" not in error.hint


def test_unresolved_archive_is_refused_with_the_way_to_resolve_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known = node_artifacts.load_artifacts(None)
    checksum = known[MODEL].checksum.model_copy(update={"hex": None})
    nobody = known[MODEL].model_copy(update={"checksum": checksum, "sources": (), "status": "unresolved"})
    monkeypatch.setattr("provision.pipeline.artifacts.load_artifacts", lambda _: {**known, MODEL: nobody})
    with pytest.raises(ErrorGroup) as refused:
        require_pinned(plan_of())
    (error,) = refused.value.errors
    assert "has no pinned checksum" in error.what
    assert "provision lock --update" in error.hint


def test_sync_names_what_it_could_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"as if it were the driver"
    known = node_artifacts.load_artifacts(None)["nvidia-driver"]
    checksum = known.checksum.model_copy(update={"hex": sha256(content).hexdigest()})
    driver = known.model_copy(update={"checksum": checksum})
    (tmp_path / "cache" / "downloads").mkdir(parents=True)
    (tmp_path / "cache" / "downloads" / str(checksum.hex)).write_bytes(content)

    def refuse(*_: object) -> None:
        raise SetupError("no network here", where="test", hint="none")

    monkeypatch.setattr(mirror, "list_locked", lambda _: (driver,))
    monkeypatch.setattr(mirror, "fetch_file", refuse)
    monkeypatch.setattr(mirror, "ensure_release", refuse)
    done = mirror.sync_mirror(Options(profile="hetzner-rtx6000"), lambda _: None)
    outcomes = {file.name: file.outcome for file in done.files}
    assert outcomes.pop("NVIDIA-Linux-x86_64-580.178.04.run") == "present"
    assert set(outcomes.values()) == {"missing"}
    assert len(done.errors) == len(outcomes)
