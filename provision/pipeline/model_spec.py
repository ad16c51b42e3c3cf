"""How a model is named on the command line: `current`, or `MODEL[:QUANT]`, with `,key=value` for what differs."""

from __future__ import annotations

import json

from pydantic import ValidationError

from provision.errors import ErrorGroup, ProvisionError, UsageError
from provision.models.profile import WorkloadModel
from provision.pipeline.options import Options
from provision.profile.text import show

CURRENT = "current"
KEYS = ("engine", "quant", "context", "parallel", "kv")
_NUMBERS = ("context", "parallel")
_EXAMPLE = "write for example current,context=8192 or mistral-small-3.2-24b:q4_k_m,kv=q8_0"


def read_spec(text: str, serving: WorkloadModel, where: str) -> WorkloadModel:
    """What the spec says over what is served now; its name, cards and replicas stay.

    Raises ErrorGroup of UsageError with every fault of the spec.
    """
    problems: list[ProvisionError] = []
    first, *settings = text.split(",")
    given: dict[str, object] = {}
    if first != CURRENT:
        model, colon, quant = first.partition(":")
        given |= {"model": model} | ({"quant": quant} if colon else {})
    for setting in settings:
        key, equals, value = setting.partition("=")
        if key not in KEYS or not equals:
            hint = f"known: {', '.join(KEYS)}; {_EXAMPLE}"
            problems.append(UsageError(f"'{show(setting)}' is no setting of a model", where=where, hint=hint))
            continue
        given[key] = int(value) if key in _NUMBERS and value.isascii() and value.isdigit() else value
    document = serving.model_dump(mode="json", exclude_none=True) | given
    try:
        found = WorkloadModel.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            key = ".".join(map(str, one["loc"]))
            problems.append(UsageError(f"{key}: {show(str(one['msg']), 120)}", where=where, hint=_EXAMPLE))
        raise ErrorGroup(problems) from error
    if problems:
        raise ErrorGroup(problems)
    return found


def find_slot(models: tuple[WorkloadModel, ...], name: str | None) -> WorkloadModel:
    """The model of the workload that is meant; without a name the first. Raises UsageError."""
    if name is None:
        return models[0]
    found = next((model for model in models if model.name == name), None)
    if found is None:
        known = ", ".join(model.name for model in models)
        raise UsageError(f"the workload has no model '{show(name)}'", where="--name", hint=f"it has: {known}")
    return found


def serving(options: Options, models: tuple[WorkloadModel, ...], slot: str, *put: WorkloadModel) -> Options:
    """The same options with `put` in the slot's place; nothing is written: it is a setting of this run."""
    served = [one for model in models for one in (put if model.name == slot else (model,))]
    document = json.dumps([model.model_dump(mode="json", exclude_none=True) for model in served])
    return options.model_copy(update={"settings": (*options.settings, f"workload.models={document}")})


def tell(model: WorkloadModel) -> str:
    """'gemma-3-270m:q4_k_m, context 1024 x 2, kv q8_0, llama_cpp'."""
    return f"{model.model}:{model.quant}, context {model.context} x {model.parallel}, kv {model.kv}, {model.engine}"
