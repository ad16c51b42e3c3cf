"""Paper (g): licences of models, services, files and packages, with what they forbid or demand; unknown is marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from provision.models.papers import Paper, Row, Section, Source
from provision.models.plan import EngineInstance
from provision.papers.facts import Facts, filled, row
from provision.papers.locked_packages import LockFile

_COPYLEFT = ("GPL", "EUPL", "MPL", "SSPL")
_COLUMNS = ("Part", "Licence", "Restriction or duty")
_NONE = "none on record beyond keeping the notice"


def build_licences(facts: Facts) -> Paper:
    return Paper(
        name="7-licences",
        title="Licence report",
        purpose="Under which licence each part comes, and what that forbids or demands. A licence that nobody has"
        " looked up is marked.",
        sections=(
            Section(title="Models", columns=_COLUMNS, rows=tuple(_models(facts))),
            Section(title="Services", columns=_COLUMNS, rows=tuple(_services(facts))),
            Section(title="Files and images", columns=_COLUMNS, rows=filled(facts, _files(facts), 3)),
            Section(title="Packages", columns=_COLUMNS, rows=tuple(_packages(facts))),
        ),
    )


def _models(facts: Facts) -> Iterator[Row]:
    """Of the models that run, and in the lab of those that they stand for."""
    for engine in facts.plan.engines:
        for name in dict.fromkeys((engine.model, engine.wanted_model)):
            yield from _model(facts, engine, name)


def _model(facts: Facts, engine: EngineInstance, name: str) -> Iterator[Row]:
    entry = facts.models.get(name)
    if entry is None:
        yield row(
            "decide",
            name,
            "unknown",
            "Look up the licence of this model: it is in no catalogue.",
            source=facts.of_plan(f"engines.{engine.name}.model"),
        )
        return
    shown = entry.name if name == engine.model else f"{entry.name} (wanted; the lab runs another)"
    if not entry.findings:
        yield row("recorded", shown, entry.licence, _NONE, source=facts.of_model(entry, "licence"))
    for finding in entry.findings:
        strong = "Warning: " if finding.severity == "warning" else ""
        yield row(
            "recorded",
            shown,
            entry.licence,
            strong + finding.what,
            source=Source(what=f"model catalogue, {entry.id}.findings: {finding.source}", at=facts.looked_up),
        )


def _services(facts: Facts) -> Iterator[Row]:
    for name in dict.fromkeys(service.name for service in facts.plan.services):
        terms = facts.terms.get(name)
        if terms is None or terms.licence is None:
            yield row(
                "decide",
                name,
                "unknown",
                "Look up the licence of this service.",
                source=facts.of_file("provision/papers/data/terms.yml"),
            )
            continue
        source = facts.of_file(f"provision/papers/data/terms.yml: {terms.source}").model_copy(
            update={"at": f"read {terms.read}"}
        )
        for text in terms.restrictions or (_NONE,):
            yield row("recorded", name, terms.licence, text, source=source)
        if name == "open_webui":
            yield row(
                "decide",
                name,
                terms.licence,
                "How many people use it within 30 days, if its branding is changed.",
                source=source,
            )


def _files(facts: Facts) -> Iterator[Row]:
    models = {engine.model_file for engine in facts.plan.engines}
    for name, file in facts.files.items():
        if name not in models:
            yield row("recorded", name, file.licence, _restriction(file.licence), source=facts.of_file(f"lock, {name}"))
    for name, image in facts.images.items():
        yield row(
            "recorded",
            f"image {name}",
            image.licence,
            _restriction(image.licence),
            source=facts.of_file(f"provision/catalog/data/images.yml, {name}"),
        )


def _restriction(licence: str) -> str:
    if licence.startswith("AGPL"):
        return (
            "whoever changes it and lets others use it over a network must offer them the changed source (section 13)"
        )
    if "NVIDIA" in licence:
        return "NVIDIA's own terms: read them, they were not looked up here"
    return _NONE


def _packages(facts: Facts) -> Iterator[Row]:
    for lock in facts.locks:
        yield from _of_lock(facts, lock)


def _of_lock(facts: Facts, lock: LockFile) -> Iterator[Row]:
    """Counts by licence, and each one that needs a look by name."""
    source = facts.of_file(lock.path)
    named = [package for package in lock.packages if package.licence]
    if not named:
        yield row(
            "decide",
            lock.part,
            "not in the lock",
            f"{len(lock.packages)} packages whose licences the lock does not name:"
            " look them up, for instance with pip-licenses in the installed release.",
            source=source,
        )
        return
    plain: Counter[str] = Counter()
    for licence, count in Counter(package.licence or "" for package in named).most_common():
        names = ", ".join(dict.fromkeys(package.name for package in named if package.licence == licence))
        if "SEE LICENSE" in licence.upper() or "LICENSEREF" in licence.upper():
            yield row("decide", lock.part, f"{licence} ({count})", f"Read the licence of: {names}.", source=source)
        elif any(word in licence for word in _COPYLEFT) and " OR " not in licence:
            yield row("recorded", lock.part, f"{licence} ({count})", f"copyleft: {names}", source=source)
        else:
            plain[licence] = count
    if plain:
        told = ", ".join(f"{licence} ({count})" for licence, count in plain.most_common())
        yield row("recorded", lock.part, "permissive, or with such a choice", f"{told}: {_NONE}", source=source)
    if unnamed := list(dict.fromkeys(package.name for package in lock.packages if not package.licence)):
        yield row(
            "decide", lock.part, f"not in the lock ({len(unnamed)})", f"Look up: {', '.join(unnamed)}.", source=source
        )
