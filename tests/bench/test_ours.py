"""What the benchmark measures is what the product does."""

from __future__ import annotations

import pytest

from app.claude.rules.models import find
from bench.context.accounts import Meter, Till
from bench.context.conversations import Conversation, spoken
from bench.context.foresight import least_cost_tokens
from bench.context.ours import Ours, tariff_of
from bench.context.traces import Workload, workloads


def played(shape: str, budget_tokens: int) -> tuple[Workload, Conversation, Till]:
    wanted = (shape, "normal", budget_tokens)
    found = next(one for one in workloads(1) if (one.shape, one.pace, one.setting.budget_tokens) == wanted)
    model = find(found.setting.model)
    assert model
    return found, spoken(found.trace, model), Till(Meter(model), tariff_of(found.setting, model))


@pytest.mark.parametrize("shape", ["chat of 40", "document", "agent"])
def test_prompts_fit_their_budget_and_hold_what_was_said(shape: str) -> None:
    workload, conversation, till = played(shape, 8_000)
    for request, prompt in Ours().prompts(conversation, workload.setting, till):
        assert till.count(prompt.as_request()) <= workload.setting.budget_tokens
        assert prompt.messages[-1]["content"][-1] == request.turn.messages[request.said - 1]["content"][-1]


def test_estimates_of_whole_prompts_are_near_the_truth() -> None:
    workload, conversation, till = played("chat of 120", 16_000)
    for request, prompt in Ours().prompts(conversation, workload.setting, till):
        if request.at > 3:
            assert prompt.plan.prompt_tokens == pytest.approx(till.count(prompt.as_request()), rel=0.1)


@pytest.mark.parametrize("shape", ["chat of 8", "chat of 120", "agent"])
def test_it_costs_more_than_with_foresight_but_not_much(shape: str) -> None:
    workload, conversation, till = played(shape, 16_000)
    kept_from = list(Ours().first_turns(conversation, workload.setting, till))
    least = least_cost_tokens(conversation, workload.setting, till.tariff, kept_from)
    assert least <= till.cost_tokens <= 2 * least


def test_what_is_recalled_is_paid_for() -> None:
    workload, conversation, till = played("chat of 120", 16_000)
    Ours().cost_tokens(conversation, workload.setting, till)
    _, _, recalling = played("chat of 120", 16_000)
    Ours(1_000).cost_tokens(conversation, workload.setting, recalling)
    assert recalling.cost_tokens > till.cost_tokens
