"""Files and settings → one validated profile. Layers: built-in < file < client < --set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from provision.errors import ErrorGroup, ProfileError, ProvisionError
from provision.models.profile import LoadedProfile, Profile, Source
from provision.profile.checks import check_tree
from provision.profile.document import Layer, Reader
from provision.profile.known import complain_unknown, find_builtin, list_names
from provision.profile.merge import merge
from provision.profile.settings import read_setting
from provision.profile.text import read_text, show
from provision.profile.tree import Node, get_child, list_leaves
from provision.profile.validate import validate_tree

Problems = list[ProvisionError]
BEGIN = "begin with `extends: sme-2x4090`, or see docs/profile.schema.json"


def load_profile(
    name_or_file: str | Path, *, client_file: Path | None = None, overrides: Sequence[str] = ()
) -> LoadedProfile:
    """Join the layers and validate the result.

    `name_or_file` is a built-in profile's name or a file, which may build on a built-in one with `extends: NAME`.
    Raises ErrorGroup with every problem found: ProfileError, and UsageError for a `--set` that is none.
    """
    problems: Problems = []
    root = read_profile_layers(str(name_or_file), problems)
    if client_file is not None:
        layer = read_layer(client_file, "client", str(client_file), problems)
        if layer is not None:
            root = _lay_over(root, _without(layer, "profile"), problems)
    for text in overrides:
        setting = read_setting(text, problems)
        if setting is not None:
            root = _lay_over(root, setting, problems)
    if root is None:
        raise ErrorGroup(problems)
    profile = validate_tree(root, problems, Profile)
    check_tree(root, problems)
    if problems or profile is None:
        raise ErrorGroup(problems)
    return LoadedProfile(profile=profile, sources=collect_sources(profile, root))


def read_profile_layers(name_or_file: str, problems: Problems) -> Node | None:
    """The built-in profile, or the file over the built-in profile that it extends."""
    if name_or_file in list_names():
        return _read_builtin(name_or_file, problems)
    if not _looks_like_file(name_or_file):
        problems.append(complain_unknown(name_or_file, "the profile's name"))
        return None
    layer = read_layer(Path(name_or_file), "file", name_or_file, problems)
    extends = get_child(layer, "extends")
    if layer is None or extends is None:
        return layer
    if extends.value not in list_names():
        problems.append(complain_unknown(str(extends.value), extends.source.place))
        return None
    if get_child(layer, "name") is None:
        problems.append(
            ProfileError(
                "name is missing",
                where=show(name_or_file, 200),
                hint="a profile that extends another has its own name: add a line such as `name: my-rig`",
            )
        )
    return _lay_over(_read_builtin(str(extends.value), problems), _without(layer, "extends"), problems)


def read_layer(path: Path, layer: Layer, label: str, problems: Problems, *, begin: str = BEGIN) -> Node | None:
    """One file as a tree; None, with its problems added, where it is not a mapping in YAML. `begin`: the hint then."""
    label = show(label, 200)
    reader = Reader(layer, lambda line: f"{label}, line {line}")
    try:
        root = reader.read(read_text(path, label))
    except ProvisionError as error:
        problems.append(error)
        return None
    problems.extend(reader.problems)
    if root is None or not isinstance(root.value, Mapping):
        what = "the file is empty" if root is None else "the file is not a list of `key: value` lines"
        problems.append(ProfileError(what, where=label, hint=begin))
        return None
    return Node(Source(layer=layer, place=label), root.value)


def collect_sources(profile: Profile, root: Node) -> dict[str, Source]:
    """The source of every leaf of the validated profile; what no layer says comes from the schema's defaults."""
    said = {".".join(map(str, path)): leaf.source for path, leaf in list_leaves(root)}
    default = Source(layer="default", place="the schema's default")
    dumped = profile.model_dump(mode="json")
    return {path: said.get(path, default) for path in _list_paths(dumped)}


def _list_paths(value: object, path: str = "") -> list[str]:
    items: list[tuple[object, object]]
    if isinstance(value, dict) and value:
        items = list(value.items())
    elif isinstance(value, list) and value:
        items = list(enumerate(value))
    else:
        return [path]
    return [leaf for key, child in items for leaf in _list_paths(child, f"{path}.{key}" if path else str(key))]


def _read_builtin(name: str, problems: Problems) -> Node | None:
    return read_layer(find_builtin(name), "built-in", f"built-in profile {name}", problems)


def _lay_over(lower: Node | None, upper: Node, problems: Problems) -> Node | None:
    """Without a readable lower layer there is nothing that the upper one could be judged against."""
    return None if lower is None else merge(lower, upper, problems)


def _without(node: Node, key: str) -> Node:
    assert isinstance(node.value, Mapping)  # noqa: S101 - read_layer returns nothing else
    return Node(node.source, {name: child for name, child in node.value.items() if name != key})


def _looks_like_file(name: str) -> bool:
    return "/" in name or name.endswith((".yml", ".yaml")) or _is_file(name)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # too long a name, or one with NUL in it
        return False
