"""The bound is below what anybody pays, and what one gets where there is nothing to choose."""

from __future__ import annotations

import pytest

from app.claude.rules.models import Model, find
from app.context.tariff import Tariff
from bench.context.accounts import Meter, Till
from bench.context.baselines import HALF, SLIDING
from bench.context.conversations import Conversation, Spoken, spoken
from bench.context.foresight import least_cost_tokens
from bench.context.traces import Setting, workloads

SETTING = Setting(10_000, "claude-opus-5-5", 0.1)
TARIFF = Tariff(minimum_tokens=512)


def model(model_id: str) -> Model:
    found = find(model_id)
    assert found
    return found


def quiet(tokens: int, silence_seconds: float) -> Spoken:
    return Spoken(({}, {}), (tokens, tokens), (silence_seconds,))


def least(*turns: Spoken, head_tokens: int = 1_000) -> float:
    return least_cost_tokens(Conversation({}, head_tokens, turns), SETTING, TARIFF)


def test_one_request_is_never_written() -> None:
    assert least(quiet(1_000, 0)) == 2_000


def test_what_is_read_soon_is_written_for_five_minutes() -> None:
    first, second = 1.25 * 2_000, 0.1 * 2_000 + 2_000
    assert least(quiet(1_000, 0), quiet(1_000, 60)) == pytest.approx(first + second)


def test_what_is_read_after_a_quarter_of_an_hour_and_again_is_written_for_an_hour() -> None:
    turns = [quiet(1_000, 0), quiet(100, 900), quiet(100, 900)]
    # What is only sent twice is as cheap unwritten.
    assert least(*turns) == pytest.approx((2 + 0.1 + 0.1) * 2_000 + 2 * 1_100 + 200)


def test_what_comes_back_the_next_day_is_not_written() -> None:
    assert least(quiet(1_000, 0), quiet(1_000, 86_400)) == 2_000 + 4_000


def test_a_prompt_below_the_least_prefix_is_not_written() -> None:
    assert least(quiet(100, 0), quiet(100, 60), head_tokens=100) == 200 + 400


def test_it_cuts_before_a_long_silence_is_over_but_keeps_its_share() -> None:
    turns = [quiet(2_000, 0), quiet(100, 1), quiet(100, 86_400)]
    kept = 1_000 + 200 + 100
    assert least(*turns) == pytest.approx(1.25 * 3_000 + 0.1 * 3_000 + 2_100 + kept + 0)


@pytest.mark.parametrize("shape", ["chat of 8", "chat of 40", "document", "agent"])
def test_no_baseline_that_keeps_as_much_is_cheaper(shape: str) -> None:
    for workload in workloads(2):
        if workload.shape != shape or workload.setting.budget_tokens > 16_000:
            continue
        claude = model(workload.setting.model)
        tariff = Tariff(read=workload.setting.read, minimum_tokens=claude.cache_minimum_tokens)
        conversation = spoken(workload.trace, claude)
        bound = least_cost_tokens(conversation, workload.setting, tariff)
        for baseline in (HALF, SLIDING):
            assert bound <= baseline.cost_tokens(conversation, workload.setting, Till(Meter(claude), tariff))
