"""How old a file of upstream is. Younger than a week, it is kept back: a bad release is found in its first days."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from provision.errors import SetupError
from provision.models.artifact import NodeArtifact

COOL_DOWN = timedelta(days=7)


def read_published(text: str, wanted: NodeArtifact) -> datetime | None:
    """When upstream's list says that the file was published; None where it says nothing.

    GitHub: the later of the release's `published_at` and the asset's `updated_at`, since an asset may be replaced. The
    hub: the date of the file's last commit, which it tells with `expand` (huggingface_hub, RepoFile.last_commit).
    """
    try:
        if wanted.resolve.format == "github":
            release = json.loads(text)
            (asset,) = [asset for asset in release["assets"] if asset["name"] == wanted.file]
            return max(_read_moment(release["published_at"]), _read_moment(asset["updated_at"]))
        if wanted.resolve.format == "huggingface":
            (entry,) = [entry for entry in json.loads(text) if entry.get("path") == wanted.file]
            return _read_moment(entry["lastCommit"]["date"])
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    return None


def read_last_modified(header: str | None) -> datetime | None:
    """When the server says that the file was last changed (RFC 9110, Last-Modified)."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None


def require_age(wanted: NodeArtifact, published: datetime | None, allowed: str | None) -> None:
    """Raises SetupError for a file that is too young, or whose age nobody tells. `allowed`: a reason to take it."""
    if allowed:
        return
    hint = f"or, with a reason: provision lock --update {wanted.name} --pin {wanted.version} --allow-young REASON"
    if published is None:
        raise SetupError(
            f"{wanted.file} is kept back: upstream does not say when it was published",
            where=wanted.resolve.url,
            hint=f"look when it came out; {hint.removeprefix('or, ')}",
        )
    if datetime.now(UTC) - published < COOL_DOWN:
        since = f"it was published on {published:%Y-%m-%d}, less than {COOL_DOWN.days} days ago"
        raise SetupError(
            f"{wanted.file} is kept back: {since}",
            where=wanted.resolve.url,
            hint=f"run it again after {published + COOL_DOWN:%Y-%m-%d %H:%M} UTC, {hint}",
        )


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
