"""A model by whatever name a person uses for it, also by a name that no model has."""

from __future__ import annotations

from difflib import get_close_matches

from provision.errors import UsageError
from provision.models.catalog import Catalog, ModelEntry, squeeze

_CLOUD_ONLY = {
    "claude": "Anthropic",
    "gpt4": "OpenAI",
    "gpt5": "OpenAI",
    "gemini": "Google",
    "mistralmedium": "Mistral (La Plateforme)",
}
"""How names of the seed articles begin that stand for services without weights, and who serves them."""


def find_model(catalog: Catalog, name: str, *, where: str = "the model's name") -> tuple[ModelEntry, str | None]:
    """The model that `name` means, and why where the name is wrong or means more than one model.

    Tried in turn: the id, the real name, the Hugging Face repository, the Ollama tag and the aliases. Case, spaces,
    dashes and underscores do not count. Raises UsageError for an unknown name; its hint names the closest ones.
    """
    entry = catalog.models.get(name)
    if entry is not None:
        return entry, None
    names = catalog.list_names()
    wanted = squeeze(name)
    if wanted in names:
        return names[wanted]
    for beginning, maker in _CLOUD_ONLY.items():
        if wanted.startswith(beginning):
            raise UsageError(
                f"'{name}' has no public weights: only {maker} serves it",
                where=where,
                hint="name it as a provider of the decision layer, or choose a model from 'provision models'",
            )
    raise UsageError(f"the model '{name}' is not known", where=where, hint=_suggest(names, wanted))


def _suggest(names: dict[str, tuple[ModelEntry, str | None]], wanted: str) -> str:
    close = get_close_matches(wanted, names, n=6, cutoff=0.5)
    ids = list(dict.fromkeys(names[match][0].id for match in close))[:3]
    return f"did you mean {' or '.join(ids)}?" if ids else "'provision models' lists the known models"
