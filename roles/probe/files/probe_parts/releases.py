"""Which release of each service is current."""

from __future__ import annotations

from pathlib import Path

from probe_parts.told import Json, describe

OPT = Path("/opt")


def observe_releases(opt: Path = OPT) -> list[Json]:
    """Every folder that holds releases or a link to one, so that it need not be told which services are here."""
    links = {path.parent / "current" for name in ("current", "releases") for path in opt.glob(f"*/{name}")}
    return [observe_release(link) for link in sorted(links)]


def observe_release(link: Path) -> Json:
    found: Json = {"service": link.parent.name, "current": None, "error": None}
    if not link.is_symlink():
        found["error"] = f"{link} is no link"
        return found
    try:
        target = link.readlink()
        found["current"] = target.name
        if not link.is_dir():
            found["error"] = f"{link} points at {target}, which is not there"
    except OSError as error:
        found["error"] = describe(error)
    return found
