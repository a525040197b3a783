"""Conversations to measure on: who said how many tokens, after how many seconds. Seeded, so always the same.

Three paces of users and six shapes, each under four budgets with the prices of four models: 72 workloads.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Step(NamedTuple):
    """A tool call and its result, with the seconds until the next request."""

    seconds: float
    call_tokens: int
    result_tokens: int


@dataclass(frozen=True)
class Turn:
    """`silence_seconds` are from the last request of the turn before to the first of this one."""

    silence_seconds: float
    user_tokens: int
    answer_tokens: int
    steps: tuple[Step, ...] = ()

    @property
    def tokens(self) -> int:
        """All that the turn adds to a history."""
        tools = sum(step.call_tokens + step.result_tokens for step in self.steps)
        return self.user_tokens + tools + self.answer_tokens


@dataclass(frozen=True)
class Trace:
    """A conversation; the head is the system prompt, with the tools."""

    head_tokens: int
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Setting:
    """A budget, the model that it is for, and what that model takes for reading its cache."""

    budget_tokens: int
    model: str
    read: float


@dataclass(frozen=True)
class Workload:
    """One trace under one setting."""

    shape: str
    pace: str
    setting: Setting
    trace: Trace


@dataclass(frozen=True)
class Pace:
    """Silences are lognormal; every so often a user goes away for long."""

    median_seconds: float
    spread: float
    away: float
    away_median_seconds: float


class Dice(random.Random):
    """Random numbers of the kinds that conversations are made of."""

    def lognormal(self, median: float, spread: float) -> float:
        return self.lognormvariate(math.log(median), spread)

    def size(self, median: float, spread: float, most: float = math.inf) -> int:
        return max(int(min(self.lognormal(median, spread), most)), 8)

    def silence(self, pace: Pace) -> float:
        if self.random() < pace.away:
            return self.lognormal(pace.away_median_seconds, 1.2)
        return self.lognormal(pace.median_seconds, pace.spread)


SETTINGS = (
    Setting(8_000, "claude-sonnet-5", 0.1),
    Setting(16_000, "claude-opus-5-5", 0.05),
    Setting(32_000, "claude-fable-5-2", 0.025),
    Setting(100_000, "claude-sonnet-5-5", 0.05),
)
# Over 5 minutes and over an hour: brisk 2 and 1 % of the silences, normal 14 and 3 %, slow 65 and 17 %.
PACES = {
    "brisk": Pace(25, 1.0, 0.015, 3_600),
    "normal": Pace(75, 1.1, 0.04, 7_200),
    "slow": Pace(480, 1.5, 0.08, 28_800),
}


def chat(turns: int) -> Callable[[Dice, Pace, int], Trace]:
    """Short questions and answers, here and there a long paste."""

    def drawn(dice: Dice, pace: Pace, budget_tokens: int) -> Trace:
        return Trace(
            dice.size(400, 0.5, 1_200), tuple(_said(dice, pace, budget_tokens) for _ in range(turns))
        )

    return drawn


def questions(dice: Dice, pace: Pace, budget_tokens: int) -> Trace:
    """A document that takes a quarter to a half of the budget, and questions about it."""
    document = int(min(budget_tokens * dice.uniform(0.25, 0.5), 40_000))
    first = Turn(0.0, document, dice.size(350, 0.7, 1_500))
    asked = (_said(dice, pace, budget_tokens) for _ in range(24))
    return Trace(dice.size(400, 0.5, 1_200), (first, *asked))


def agent(dice: Dice, pace: Pace, budget_tokens: int) -> Trace:
    """Tasks that take several calls of tools each, whose results are most of the history."""
    tasks = tuple(_task(dice, pace, budget_tokens) for _ in range(25))
    return Trace(dice.size(1_500, 0.3, budget_tokens / 5), tasks)


SHAPES: dict[str, Callable[[Dice, Pace, int], Trace]] = {
    "chat of 8": chat(8),
    "chat of 40": chat(40),
    "chat of 120": chat(120),
    "chat of 400": chat(400),
    "document": questions,
    "agent": agent,
}


def workloads(seed: int) -> Iterator[Workload]:
    """Every shape at every pace under every setting; each has a trace of its own."""
    for shape, drawn in SHAPES.items():
        for name, pace in PACES.items():
            for setting in SETTINGS:
                dice = Dice(f"{seed} {shape} {name} {setting.budget_tokens}")
                yield Workload(shape, name, setting, drawn(dice, pace, setting.budget_tokens))


def _said(dice: Dice, pace: Pace, budget_tokens: int) -> Turn:
    is_paste = dice.random() < 0.04
    user = dice.size(1_500, 0.6, budget_tokens / 5) if is_paste else dice.size(60, 0.9, 600)
    return Turn(dice.silence(pace), user, dice.size(350, 0.7, 1_500))


def _task(dice: Dice, pace: Pace, budget_tokens: int) -> Turn:
    """It calls tools until it has its answer, or has used two fifths of the budget."""
    steps: list[Step] = []
    left_tokens = budget_tokens * 0.4
    for _ in range(dice.randint(1, 8)):
        step = Step(dice.lognormal(8, 0.8), dice.size(90, 0.5), dice.size(500, 1.0, budget_tokens / 10))
        left_tokens -= step.call_tokens + step.result_tokens
        steps += [step] if left_tokens > 0 else []
    return Turn(dice.silence(pace), dice.size(80, 0.8, 600), dice.size(300, 0.6, 1_500), tuple(steps))
