"""The committed data are complete and agree with figures that are known from elsewhere."""

from __future__ import annotations

import shutil
from math import ceil
from pathlib import Path

import pytest

from provision.catalog import load_catalog, release_id
from provision.catalog.loader import ROLES
from provision.errors import SetupError
from provision.planner.placement import ANY_ENGINE
from provision.profile import list_profiles, load_profile

DATA = ROLES.parent / "provision" / "catalog" / "data"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the data files to spoil."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def test_the_built_in_profiles_name_only_what_is_known() -> None:
    catalog = load_catalog()
    for summary in list_profiles():
        profile = load_profile(summary.name).profile
        for group in profile.hardware.gpus:
            assert group.model in catalog.gpus
        for model in profile.workload.models:
            assert model.quant in {quant.name for quant in catalog.models[model.model].quants}
        for machine in profile.machines:
            assert set(machine.services) <= set(catalog.services)


def test_the_card_of_the_reference_profile() -> None:
    card = load_catalog().gpus["rtx-4090"]
    assert (card.id, card.nvml_name, card.memory_mib) == ("rtx-4090", "NVIDIA GeForce RTX 4090", 24564)
    assert (card.usable_mib, card.usable_measured) == (24080, True)


def test_the_small_model_agrees_with_the_pinned_file() -> None:
    catalog = load_catalog()
    pinned = catalog.artifacts["gemma-3-270m-q4_k_m.gguf"].size_bytes
    (quant,) = (quant for quant in catalog.models["gemma-3-270m"].quants if quant.name == "q4_k_m")
    assert pinned is not None
    assert quant.file_mib == ceil(pinned / 2**20)


def test_services_need_only_known_services_and_share_no_port() -> None:
    services = load_catalog().services
    for name, service in services.items():
        assert service.name == name
        assert set(service.needs) < {*services, ANY_ENGINE}
    ports = [service.port for service in services.values()]
    assert len(set(ports)) == len(ports)


def test_a_release_is_named_after_its_recipe() -> None:
    services = load_catalog().services
    assert services["llama_cpp"].release == release_id(ROLES / "llama_cpp" / "files" / "recipe")
    assert services["postgresql"].release is None
    released = {name for name, service in services.items() if service.release}
    assert released == {"llama_cpp", "ollama", "vllm", "qdrant", "open_webui", "n8n", "grafana", "decision_layer"}


def test_it_is_read_once() -> None:
    assert load_catalog() is load_catalog()


def test_without_roles_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="the folder 'roles' is not beside the program") as caught:
        load_catalog(roles=tmp_path / "roles")
    assert "checkout" in caught.value.hint


def test_without_a_recipe_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "roles").mkdir()
    with pytest.raises(SetupError) as caught:
        load_catalog(roles=tmp_path / "roles")
    assert "llama_cpp" in caught.value.where


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- a\n", "not a mapping"),
        ("a: 1\n", "not a mapping"),
        ("a: [\n", "while parsing"),
        ("rtx-1:\n  nvml_name: x\n", "Field required"),
        ("rtx-1:\n  colour: red\n", "rtx-1"),
    ],
)
def test_a_damaged_file_is_named(data: Path, content: str, words: str) -> None:
    path = data / "gpus" / "datacentre.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SetupError, match=words) as caught:
        load_catalog(data)
    assert caught.value.where in {str(path), str(path.parent)}


def test_a_name_in_two_files_of_a_folder_is_refused(data: Path) -> None:
    shutil.copy(data / "gpus" / "workstation.yml", data / "gpus" / "zz.yml")
    with pytest.raises(SetupError, match="'rtx-4000-sff-ada' stands in another file") as caught:
        load_catalog(data)
    assert caught.value.where == str(data / "gpus" / "zz.yml")


def test_an_empty_folder_is_named(data: Path) -> None:
    shutil.rmtree(data / "models")
    with pytest.raises(SetupError, match="no entries") as caught:
        load_catalog(data)
    assert caught.value.where == str(data / "models")


def test_a_wrong_shape_is_named_with_its_model(data: Path) -> None:
    path = data / "models" / "openai.yml"
    path.write_text(path.read_text().replace("kind: sliding", "kind: round", 1))
    with pytest.raises(SetupError, match=r"gpt-oss-20b\.architecture\.window\.kind"):
        load_catalog(data)


def test_a_missing_file_is_named(data: Path) -> None:
    (data / "services.yml").unlink()
    with pytest.raises(SetupError) as caught:
        load_catalog(data)
    assert caught.value.where == str(data / "services.yml")
