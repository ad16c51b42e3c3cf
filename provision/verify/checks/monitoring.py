"""Does Prometheus itself say that it reads every planned target and knows every alert?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.models.monitoring import ALERTS, PROMETHEUS, list_targets
from provision.models.observation import PrometheusObservation
from provision.models.plan import Plan
from provision.verify.evidence import Check, Evidence, Verdict
from provision.verify.next_step import logs_of


def machines_with_prometheus(plan: Plan) -> Sequence[str]:
    return [service.machine for service in plan.services if service.name == PROMETHEUS]


def judge(evidence: Evidence, machine: str) -> Iterator[Verdict]:
    wanted: set[tuple[str, str]] = {(target.job, target.name) for target in list_targets(evidence.plan)}
    expected = f"{len(wanted)} targets up, {len(ALERTS)} alert rules in order, an Alertmanager"
    seen = evidence.machines[machine].prometheus
    if not seen or seen[0].error:
        reason = seen[0].error if seen else "the probe did not ask"
        yield Verdict("failed", expected, f"not known: {reason}", logs_of(machine, "prometheus.service"))
        return
    faults = [*_targets(seen[0], wanted), *_rules(seen[0])]
    if faults:
        hint = f"service_health of the named machine; {logs_of(machine, 'prometheus.service')}"
        yield Verdict("failed", expected, "; ".join(faults), hint)
    else:
        firing = sorted({rule.name for rule in seen[0].rules if rule.state == "firing"})
        also = f"; firing: {', '.join(firing)}" if firing else "; none fires"
        yield Verdict("passed", expected, f"{len(wanted)} targets up, {len(seen[0].rules)} rules{also}")


def _targets(seen: PrometheusObservation, wanted: set[tuple[str, str]]) -> Iterator[str]:
    found = {(target.job, target.name): target for target in seen.targets}
    for job, name in sorted(wanted - set(found)):
        yield f"{job} {name} is not read"
    for job, name in sorted(set(found) - wanted):
        yield f"{job} {name} is read although not planned"
    for key in sorted(wanted & set(found)):
        if found[key].health != "up":
            reason = f": {found[key].error}" if found[key].error else ""
            yield f"{key[0]} {key[1]} is {found[key].health}{reason}"


def _rules(seen: PrometheusObservation) -> Iterator[str]:
    for name in sorted(set(ALERTS) - {rule.name for rule in seen.rules}):
        yield f"alert {name} is not known"
    for rule in seen.rules:
        if rule.health == "err":
            yield f"alert {rule.name}: {rule.error}"
    if not seen.alertmanagers:
        yield "no Alertmanager to tell"


CHECK = Check(
    id="monitoring",
    title="Monitoring",
    asks="Prometheus says that it reads every planned target and no other, that every alert rule can be evaluated, and "
    "that it has an Alertmanager.",
    fails="An exporter is down, its password differs, the firewall does not let Prometheus in, or a rule is broken.",
    targets=machines_with_prometheus,
    judge=judge,
    needs=("machine_answers", "service_health"),
)
