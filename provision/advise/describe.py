"""docs/advise.md: `python -m provision.advise.describe > docs/advise.md` writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from provision.advise.rules import describe_rules, load_rulebook

EXAMPLES = Path(__file__).parent / "examples"

_HEAD = """\
# Advice: cloud, hybrid or self-hosted

Written by `python -m provision.advise.describe > docs/advise.md`; a test holds it to the rules
(`provision/advise/data/rules.yml`). `provision advise` asks at the terminal, or reads a file:

```console
provision advise --answers provision/advise/examples/law-firm.yml
provision advise --answers FILE --html advice.html --policy policy.yml --profile-file advised.yml
provision advise --explain
```

It says: cloud, hybrid or self-hosted; a built-in profile; the models that the planner places together on that profile's
cards; how they are deployed; whether a pilot comes first; where each use case may run, where it does, and why; and what
a person must still decide. Every sentence names its rule, and every rule its source. It is no legal advice.

- **Triggers.** Sensitive data, cost and positioning are 1, 2 and 3. None: cloud. One: hybrid. Two: hybrid with the
  weight on own machines. Self-hosted where nothing is left for a cloud.
- **Data.** Of a use case's classes the strictest decides. `eu_processor` lists the classes that the firm itself
  decided may go to a provider in the EU; without it, only public and internal data leave the house.
- **Profile.** Among the built-in ones with cards, of the kind that the site allows and for as many people as would use
  it at once: the one that leaves the fewest use cases without a model, then nearest to the models named first, then the
  smallest. `cpu-small` is never advised: its model is too small to be useful.
- **Models.** The kinds of work name them, in the sources' words; the catalogue says which model is meant, the planner
  whether it goes on the cards, at the profile's context, in the largest file that does. A model whose licence
  may forbid the use is left out. Three models at most are placed together.
- **`--policy`** writes a draft for the decision layer ([shape](../decision_layer/README.md)). Cloud models have no
  `storage` in it, so none is used until somebody knows where its provider keeps prompts and writes it there.
- **`--profile-file`** writes a profile with the advised models; `provision plan --profile FILE` shows it.

What it does not do: it does not reckon costs (`provision tco` does; the thresholds here are the articles'), it does not
know whether the firm labelled its data rightly, and the tokens a second are the planner's upper bound, never measured.

## A file of answers

Its shape: [advise.schema.json](advise.schema.json).

"""


def describe_advice() -> str:
    """The page."""
    book = load_rulebook()
    parts = [_HEAD, "```yaml\n", (EXAMPLES / "law-firm.yml").read_text(encoding="utf-8"), "```\n\n## Kinds of work\n\n"]
    parts.append(
        "| `workload` | what | rather | models for own machines | cloud models | source |\n|---|---|---|---|---|---|\n"
    )
    for name, work in book.workloads.items():
        cited = book.cite(work.row)
        local = ", ".join(one.name for one in work.named) or "-"
        cloud = ", ".join(f"{one.name} ({one.zone})" for one in work.cloud) or "-"
        parts.append(
            f"| `{name}` | {work.title} | {work.prefers} | {local} | {cloud} | {cited.title}, {cited.section} |\n"
        )
    usual = ", ".join(one.name for one in book.defaults)
    parts.append(
        f"\nAfter those: {usual}.\n\n## Rules\n\n| rule | when | then | says | source |\n|---|---|---|---|---|\n"
    )
    for rule in describe_rules(book):
        parts.append(
            f"| `{rule.id}` | {rule.when} | {rule.then} | {rule.says} | {rule.source.title}, {rule.source.section} |\n"
        )
    parts.append("\n## Sources\n\n| source | where | date |\n|---|---|---|\n")
    parts.extend(f"| {one.title} | {one.where} | {one.date} |\n" for one in book.documents.values())
    return "".join(parts)


def main() -> None:
    sys.stdout.write(describe_advice())


if __name__ == "__main__":
    main()
