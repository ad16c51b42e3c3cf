"""All questions to all targets: many at once, but never more than each address and the whole run allow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import httpx

from provision.models.pilot import Target, TestSet
from provision.models.pilot_result import Answer, Score
from provision.pilot.ask import Asked, ask
from provision.pilot.exact import score_exact
from provision.pilot.judge import judge_answer
from provision.pilot.ways import Way, open_ways

AT_ONCE = 4
"""Requests under way in the whole run, where nobody says otherwise."""
Tell = Callable[[str], None]


class Asking(NamedTuple):
    answers: tuple[Answer, ...]
    scores: tuple[Score, ...]


async def run_tests(
    tests: TestSet, ways: Sequence[Way], compared: Sequence[str], tell: Tell, *, at_once: int = AT_ONCE
) -> Asking:
    """Ask, then score; the judge works after everybody has answered, so that it slows no one down.

    `compared`: names of the targets that answer; the others are there to judge. Targets of one address share its bound.
    Raises ErrorGroup (UnreachableError, UsageError) before anything is sent where a target does not answer.
    """
    async with open_ways(ways) as clients:
        targets = [way.target for way in ways if way.target.name in compared]
        answers = await _ask_all(tests, targets, clients, tell, at_once)
        judge = next((way.target for way in ways if way.target.name == tests.judge), None)
        scores = await _score_all(tests, answers, judge, clients, tell)
    return Asking(answers, scores)


async def _ask_all(
    tests: TestSet, targets: Sequence[Target], clients: dict[str, httpx.AsyncClient], tell: Tell, at_once: int
) -> tuple[Answer, ...]:
    whole = asyncio.Semaphore(at_once)
    bounds: dict[str, int] = {}
    for target in targets:
        bounds[target.base_url] = min(target.at_once, bounds.get(target.base_url, target.at_once))
    addresses = {url: asyncio.Semaphore(bound) for url, bound in bounds.items()}

    async def one(target: Target, asked: Asked) -> Answer:
        async with addresses[target.base_url], whole:
            answer = await ask(clients[target.name], tests, target, asked)
        tell(f"{answer.id}: {answer.fate}" + (f" ({answer.reason})" if answer.reason else ""))
        return answer

    work = [one(target, asked) for asked in list_questions(tests) for target in targets]
    return tuple(await asyncio.gather(*work))


def list_questions(tests: TestSet) -> list[Asked]:
    return [
        Asked(case, question, repeat)
        for case in tests.cases
        for question in range(len(case.questions))
        for repeat in range(tests.repeats)
    ]


async def _score_all(
    tests: TestSet,
    answers: Sequence[Answer],
    judge: Target | None,
    clients: dict[str, httpx.AsyncClient],
    tell: Tell,
) -> tuple[Score, ...]:
    cases = {case.name: case for case in tests.cases}
    scores = []
    for answer in answers:
        case = cases[answer.case]
        question = case.questions[answer.question]
        if answer.fate != "answered":
            continue
        if case.scoring == "exact":
            scores.append(score_exact(answer, question, case.match))
        elif case.scoring == "rubric" and judge:
            tell(f"{answer.id}: judged by {judge.name}")
            scores.append(await judge_answer(clients[judge.name], tests, judge, case, question, answer))
        else:
            scores.append(Score(answer=answer.id, value=None, by="human", reason="nobody has scored it yet"))
    return tuple(scores)
