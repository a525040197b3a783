"""Traces as messages that Claude would take, of the sizes that the traces give."""

from __future__ import annotations

import pytest

from app.claude import rules
from app.claude.rules.models import Model, find
from app.claude.simulator.counting import units
from bench.context.baselines import requests
from bench.context.conversations import spoken, text
from bench.context.traces import SHAPES, Workload, workloads


def model() -> Model:
    found = find("claude-opus-5-5")
    assert found
    return found


def of_shape(shape: str) -> Workload:
    return next(one for one in workloads(1) if one.shape == shape)


@pytest.mark.parametrize("tokens", [2, 3, 8, 75, 1_000, 4_001])
def test_a_text_has_the_tokens_that_are_asked_for(tokens: int) -> None:
    assert units(text(tokens, 12_345)) == tokens


def test_no_two_texts_are_the_same() -> None:
    assert len({text(50, number) for number in range(2_000)}) == 2_000


@pytest.mark.parametrize("shape", SHAPES)
def test_a_conversation_is_about_as_long_as_its_trace(shape: str) -> None:
    trace = of_shape(shape).trace
    conversation = spoken(trace, model())
    given = sum(turn.tokens for turn in trace.turns)
    found = sum(turn.turn_tokens for turn in conversation.turns)
    assert given < found < given * 1.05 + 12 * len(trace.turns)


@pytest.mark.parametrize("shape", ["chat of 8", "agent"])
def test_claude_takes_every_request(shape: str) -> None:
    conversation = spoken(of_shape(shape).trace, model())
    for request in requests(conversation):
        body = {"model": model().id, "max_tokens": 100, **conversation.head}
        assert list(rules.violations({**body, "messages": request.messages_from(request.at // 2)})) == []


def test_traces_are_the_same_every_time_and_differ_by_seed() -> None:
    assert list(workloads(1)) == list(workloads(1))
    assert of_shape("agent").trace != next(one for one in workloads(2) if one.shape == "agent").trace


def test_every_turn_fits_its_budget() -> None:
    for workload in workloads(3):
        most = max(turn.tokens for turn in workload.trace.turns)
        assert most + workload.trace.head_tokens < workload.setting.budget_tokens * 0.85
