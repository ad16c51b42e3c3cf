"""The import table of docs/architecture.md, read from that file and held against every import of the product."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "provision"
_ROW = re.compile(r"^\| `provision/(?P<name>[a-z_]+)(\.py)?` \| .* \| (?P<may>[^|]+) \|$", re.MULTILINE)

ONE_IMPORTER = {
    "ansible_runner": ("runner/execute.py",),
    "paramiko": ("platforms/ssh.py",),
    "proxmoxer": ("platforms/proxmox.py",),
    "rich": ("ui/",),
    "typer": ("cli/",),
    "click": ("cli/",),
    "pynvml": (),
    "reportlab": ("ui/papers_pdf.py", "ui/pdf_type.py"),
    "pymupdf_fonts": ("ui/pdf_type.py",),
    "jsonschema_rs": ("papers/bom.py",),
    "fakepve": ("lab/pve/api_program.py",),
    "aiohttp": ("lab/pve/api_program.py",),
}
"""Heavy dependencies and the one file or folder that may import them; pynvml belongs to the probe on the targets."""

OWN_PROGRAM = "lab/pve/api_program.py"
"""Under the AGPL like fakepve: runs by itself, and nothing imports it (docs/adr/0008)."""

PURE = ("planner", "models", "tco")
SIDE_EFFECTS = {"os", "io", "time", "random", "secrets", "subprocess", "socket", "shutil", "tempfile", "sys"}
WRITES = {"write", "write_text", "write_bytes", "mkdir", "touch", "unlink", "rename", "symlink_to", "chmod", "truncate"}
TOUCHES_FILES = {"read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "is_dir", "mkdir", "glob"}
"""A path may be a value of a model; asking the disk about it is not pure."""


def read_table() -> dict[str, set[str]]:
    """What each package may import of ours; '*' stands for everything but the names after it."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {match["name"]: parse_cell(match["may"].strip()) for match in _ROW.finditer(text)}


def parse_cell(cell: str) -> set[str]:
    if cell == "-":
        return set()
    if cell.startswith("everything but "):
        there = {path.stem if path.suffix == ".py" else path.name for path in PRODUCT.iterdir()}
        return there - set(cell.removeprefix("everything but ").split(", "))
    return set(cell.split(", "))


def find_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, wherever in the file it stands; relative ones made absolute."""
    package = ["provision", *path.relative_to(PRODUCT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [node.module] if node.module else []
            if node.level:
                base = [*package[: len(package) - node.level + 1], *base]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def list_modules() -> list[Path]:
    return sorted(PRODUCT.rglob("*.py"))


def is_pure(path: Path) -> bool:
    """The preflight judges purely; its script runs on the node, and its describer prints a page."""
    if package_of(path) == "preflight":
        return path.parent.name != "script" and path.stem != "describe"
    return package_of(path) in PURE


def package_of(path: Path) -> str:
    return path.relative_to(PRODUCT).parts[0].removesuffix(".py")


def test_every_package_is_in_the_table() -> None:
    table = read_table()
    assert {package_of(path) for path in list_modules()} - {"__init__"} <= set(table)


@pytest.mark.parametrize("path", list_modules(), ids=lambda path: str(path.relative_to(PRODUCT)))
def test_imports_of_ours_are_allowed(path: Path) -> None:
    package, table = package_of(path), read_table()
    if package == "__init__":
        return
    for line, name in find_imports(path):
        parts = name.split(".")
        if parts[0] == "provision" and len(parts) > 1 and parts[1] not in {"__version__", package}:
            assert parts[1] in table[package], f"{path.relative_to(ROOT)}:{line} imports {name}"


@pytest.mark.parametrize("path", list_modules(), ids=lambda path: str(path.relative_to(PRODUCT)))
def test_heavy_dependencies_have_one_importer(path: Path) -> None:
    here = path.relative_to(PRODUCT).as_posix()
    for line, name in find_imports(path):
        allowed = ONE_IMPORTER.get(name.split(".")[0])
        if allowed is not None:
            assert here.startswith(allowed), f"{path.relative_to(ROOT)}:{line} imports {name}"


def test_the_agpl_program_stands_alone() -> None:
    """It imports nothing of ours, and nothing of ours or of the tests imports it."""
    assert "AGPL-3.0-or-later" in (PRODUCT / OWN_PROGRAM).read_text().splitlines()[0]
    assert not [name for _, name in find_imports(PRODUCT / OWN_PROGRAM) if name.split(".")[0] == "provision"]
    for path in [*list_modules(), *(ROOT / "tests").rglob("*.py")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            assert not (words[:1] in (["import"], ["from"]) and "api_program" in line), f"{path}: {line}"


@pytest.mark.parametrize(
    "path",
    [path for path in list_modules() if is_pure(path)],
    ids=lambda path: str(path.relative_to(PRODUCT)),
)
def test_pure_packages_have_no_side_effects(path: Path) -> None:
    for line, name in find_imports(path):
        assert name.split(".")[0] not in SIDE_EFFECTS, f"{path.relative_to(ROOT)}:{line} imports {name}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "input", "print"}, f"{path.relative_to(ROOT)}:{node.lineno}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today"}, (
                f"{path.relative_to(ROOT)}:{node.lineno} reads the clock"
            )


@pytest.mark.parametrize(
    "path",
    [path for path in list_modules() if package_of(path) == "headers"],
    ids=lambda path: str(path.relative_to(PRODUCT)),
)
def test_headers_only_read(path: Path) -> None:
    """A user points at a file of unknown origin: nothing is written, started, fetched or unpickled because of it."""
    for line, name in find_imports(path):
        assert name.split(".")[0] not in SIDE_EFFECTS | {"mmap", "pickle"}, f"{path.relative_to(ROOT)}:{line}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in WRITES, f"{path.relative_to(ROOT)}:{node.lineno} writes"


def test_the_reader_of_imports_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract is only as good as this: an import inside a function and a relative one count too."""
    monkeypatch.setattr(f"{__name__}.PRODUCT", tmp_path)
    folder = tmp_path / "planner"
    folder.mkdir()
    (folder / "x.py").write_text(
        "import rich.table\n"
        "def f():\n    from provision.ui import console\n"
        "from ..runner import lock\nfrom . import y\n"
    )
    assert [name for _, name in find_imports(folder / "x.py")] == [
        "rich.table",
        "provision.runner.lock",
        "provision.planner.y",
        "provision.ui.console",
    ]


def test_the_table_is_read() -> None:
    table = read_table()
    assert table["planner"] == {"models", "errors"}
    assert table["headers"] == {"models", "errors"}
    assert table["tco"] == {"models", "errors"}
    assert table["cli"] == {"pipeline", "ui", "models", "errors"}
    assert table["advise"] == {"models", "errors", "profile"}
    assert "planner" in table["pipeline"]
    assert "ui" not in table["pipeline"]
