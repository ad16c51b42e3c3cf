"""What the decision layer answered on its own machine, and what its record says of it. No key is kept here."""

from __future__ import annotations

from provision.models.base import Frozen
from provision.models.observation_step import WebStep


class DecisionAnswer(Frozen):
    """One chat, and what the answer's headers named: X-Data-Class, X-Zone, X-Model, X-Rule, X-Decision-Record."""

    step: WebStep = WebStep()
    text: str = ""
    data_class: str = ""
    zone: str = ""
    model: str = ""
    rule: str = ""
    record: str = ""


class EndpointAnswer(Frozen):
    """One question to a local model by another endpoint than chat."""

    model: str
    endpoint: str
    answer: DecisionAnswer = DecisionAnswer()
    form: str = ""
    """What the answer says that it is: `object` of OpenAI's, `type` of Anthropic's."""
    output_tokens: int = 0


class DecisionRecord(Frozen):
    """The record of an answer, found by its id, as `decision-layer audit show` prints it."""

    data_class: str = ""
    zone: str = ""
    model: str = ""
    result: str = ""
    """Of the outcome: completed, refused, ...; empty where there is none yet."""
    error: str = ""


class DecisionObservation(Frozen):
    """`plain` names a local model and is labelled internal; `confidential` asks for `auto`, holds an account number and
    is labelled public."""

    plain: DecisionAnswer = DecisionAnswer()
    confidential: DecisionAnswer = DecisionAnswer()
    without_key: int | None = None
    """HTTP status of a request that has no key."""
    home_zones: tuple[str, ...] = ()
    """Zones of the policy in use that are the firm's own machines."""
    record: DecisionRecord = DecisionRecord()
    """Of `plain`."""
    endpoints: tuple[EndpointAnswer, ...] = ()
    """Asked where `plain` was answered, up to the first that no HTTP answer came to."""
    chain_whole: bool | None = None
    """None: it could not be verified."""
    chain: str = ""
    """The last line of `decision-layer audit verify`."""
    error: str = ""
