"""Papers about one stack: sections of rows, and each row says what it rests on and since when it is known."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from provision.models.base import Frozen

Kind = Literal["measured", "planned", "recorded", "stated", "law", "decide"]
"""What a row rests on. `measured`: a signed receipt or a verified log. `planned`: the plan or the policy. `recorded`: a
data or lock file of provision. `stated`: a named person's answer. `law`: the text of a law. `decide`: nobody has
decided it yet, and no program may."""

KINDS: dict[Kind, str] = {
    "measured": "Measured",
    "planned": "Planned",
    "recorded": "On record",
    "stated": "Stated by a person",
    "law": "Law",
    "decide": "A person must decide",
}


class Source(Frozen):
    """`what`: file and field, receipt and check, or law and article. `at`: the date that it is of, for people."""

    what: Annotated[str, Field(min_length=1)]
    at: Annotated[str, Field(min_length=1)]


class Row(Frozen):
    """One statement. As many cells as its section has columns, or one where the section is prose."""

    kind: Kind
    cells: Annotated[tuple[str, ...], Field(min_length=1)]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]


class FlowClass(Frozen):
    """One class of data, lowest first; `zones` are where a model may take it."""

    name: str
    title: str
    zones: tuple[str, ...]


class FlowZone(Frozen):
    """Where models compute. `models`: their names; `home`: on the firm's own machines."""

    name: str
    title: str
    home: bool
    models: tuple[str, ...]


class FlowPicture(Frozen):
    """Which class of data may go where; its table alternative is the section that it stands in."""

    title: str
    classes: tuple[FlowClass, ...]
    zones: tuple[FlowZone, ...]


class Section(Frozen):
    """`columns` empty: prose, one cell a row."""

    title: str
    about: str = ""
    columns: tuple[str, ...] = ()
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    picture: FlowPicture | None = None


class Paper(Frozen):
    """One document. `name` is its file's, without ending."""

    name: str
    title: str
    purpose: str
    sections: tuple[Section, ...]

    @property
    def open_points(self) -> tuple[Row, ...]:
        """What a person must still decide."""
        return tuple(row for section in self.sections for row in section.rows if row.kind == "decide")


class PaperSet(Frozen):
    """All papers of one stack, made at one moment from one receipt."""

    client: str
    profile: str
    target: Literal["live", "lab"]
    made: datetime
    provision_version: str
    receipt_id: str
    verdict: Literal["passed", "failed"]
    simulated: bool
    classification: str
    papers: tuple[Paper, ...]


NOT_ADVICE = (
    "This paper states what the stack was measured to be and what people answered; it does not say whether that is"
    " lawful. Somebody who is competent in law must read it before it is used."
)
