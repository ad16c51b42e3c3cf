"""What a release compiles (pyproject.toml) must mean the same compiled."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_module_that_is_compiled_defines_structs() -> None:
    """mypyc gives them other annotations, and msgspec then decodes nothing: found when a replay failed in the lab."""
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]
    compiled = [path for pattern in hook["mypyc"]["include"] for path in ROOT.glob(pattern.removeprefix("/"))]
    assert len(compiled) > 15
    for path in compiled:
        classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
        bases = {ast.unparse(base) for node in classes for base in node.bases}
        assert not bases & {"msgspec.Struct", "Struct", "BaseModel", "pydantic.BaseModel"}, path
