"""PEM files of the controller that the profile names, read before anything changes; who vouches for models outside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from provision.errors import ErrorGroup, ProvisionError, SetupError
from provision.models.plan import Plan
from provision.pipeline.certificate_checks import find_authority_problems, only_certificates

_MOST_BYTES = 256 * 1024


def read_authorities(plan: Plan) -> dict[str, str]:
    """By file: its certificates, and nothing else that lies in it. Raises SetupError, or ErrorGroup of all of them."""
    found: dict[str, str] = {}
    errors: list[ProvisionError] = []
    for index, model in enumerate(plan.routing.models):
        if model.authority is None or model.authority in found:
            continue
        setting = f"routing.models.{index}.authority"
        try:
            content = read_pem(Path(model.authority), setting)
        except SetupError as error:
            errors.append(error)
            continue
        problems = find_authority_problems(content, datetime.now(UTC))
        where = f"{model.authority}, which {setting} names"
        errors += [SetupError(what, where=where, hint=hint) for what, hint in problems]
        if not problems:
            found[model.authority] = only_certificates(content)
    if errors:
        raise errors[0] if len(errors) == 1 else ErrorGroup(errors)
    return found


def read_pem(path: Path, setting: str) -> bytes:
    """Raises SetupError where it cannot be read or surely is no PEM. `setting`: what in the profile names it."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SetupError(
            f"the file cannot be read: {error.strerror}", where=str(path), hint=f"see {setting} in the profile"
        ) from error
    if len(content) > _MOST_BYTES or not content.isascii():
        raise SetupError("this is no PEM file", where=str(path), hint="give a file with BEGIN and END lines")
    return content
