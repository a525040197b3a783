"""The benchmark's accounts are those of the simulator."""

from __future__ import annotations

from typing import Any

import pytest

from app.claude.rules.models import Model, find
from app.claude.simulator.cache_accounts import CacheAccounts, measure
from app.context.tariff import Tariff
from bench.context.accounts import Meter, Till
from bench.context.baselines import AUTOMATIC, requests
from bench.context.conversations import spoken
from bench.context.traces import workloads


def of(model_id: str) -> Model:
    model = find(model_id)
    assert model
    return model


MODEL = of("claude-opus-5-5")
SHORT, LONG = ({"type": "ephemeral", "ttl": ttl} for ttl in ("5m", "1h"))


@pytest.mark.parametrize("shape", ["chat of 8", "document", "agent"])
def test_every_request_of_a_trace_has_the_same_account(shape: str) -> None:
    workload = next(one for one in workloads(1) if (one.shape, one.pace) == (shape, "slow"))
    conversation = spoken(workload.trace, MODEL)
    till = Till(Meter(MODEL), Tariff())
    exact = CacheAccounts(lambda: till.now_seconds)
    for number, request in enumerate(requests(conversation)):
        till.now_seconds += request.seconds
        first = request.at // 3
        body = {"model": MODEL.id, **conversation.head, "messages": request.messages_from(first)}
        body |= {"cache_control": AUTOMATIC} if number % 2 else {}
        body["system"] = [{**conversation.head["system"][0], "cache_control": LONG}]
        assert till.charge(body) == exact.charge("", measure(body, MODEL), MODEL)


def test_what_breaks_the_cache_breaks_it_here() -> None:
    till, exact = Till(Meter(MODEL), Tariff()), CacheAccounts(lambda: 0.0)
    said = {"type": "text", "text": "word " * 2_000, "cache_control": SHORT}
    body: dict[str, Any] = {"model": MODEL.id, "messages": [{"role": "user", "content": [said]}]}
    tool = {"name": "look", "input_schema": {"type": "object"}}
    changes: list[dict[str, Any]] = [
        {},
        {},
        {"tools": [tool]},
        {"tool_choice": {"type": "none"}},
        {"tools": []},
    ]
    for change in changes:
        body = {**body, **change}
        assert till.charge(body) == exact.charge("", measure(body, MODEL), MODEL)


def test_costs_are_in_tokens_of_plain_input() -> None:
    till = Till(Meter(MODEL), Tariff(read=0.05))
    said = {"type": "text", "text": "word " * 2_000, "cache_control": SHORT}
    body = {"model": MODEL.id, "messages": [{"role": "user", "content": [said]}]}
    prompt = till.charge(body).prompt_tokens
    assert till.cost_tokens == pytest.approx(1.25 * prompt)
    till.charge(body)
    assert till.cost_tokens == pytest.approx(1.3 * prompt)
    till.now_seconds += 300
    till.charge({**body, "messages": [{"role": "user", "content": [{**said, "cache_control": LONG}]}]})
    assert till.cost_tokens == pytest.approx(3.3 * prompt)
