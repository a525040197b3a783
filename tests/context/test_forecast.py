"""What the cache is expected to give and to take, against the accounts of the simulator's cache."""

from __future__ import annotations

from dataclasses import astuple, replace
from random import Random

from app.claude.rules import models
from app.claude.simulator.cache_accounts import CacheAccounts, measure
from app.context import Forecast, Prompt
from app.context.tariff import Tariff
from tests.context.talks import ASK, LARGE, MODEL, Talk, text

LIMITS = replace(LARGE, tariff=Tariff(minimum_tokens=512))


class Cache:
    """The simulator's, under the talk's clock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.accounts = CacheAccounts(lambda: self.seconds)

    def charge(self, prompt: Prompt) -> Forecast:
        model = models.find(MODEL)
        assert model is not None
        found = self.accounts.charge("key", measure(prompt.as_request(), model), model)
        return Forecast(
            found.input_tokens, found.read_tokens, found.written_5m_tokens, found.written_1h_tokens
        )


def whole(one: Forecast) -> int:
    return sum(astuple(one))


def test_what_is_read_and_written_is_foretold() -> None:
    random, cache = Random(1), Cache()  # noqa: S311 - no secret
    talk = Talk(ask=replace(ASK, system="Be brief. " * 200, budget_tokens=8_000), limits=LIMITS)
    off: list[float] = []
    for at in range(60):
        seconds = random.choice((20, 20, 60, 200, 400, 5_000))
        cache.seconds += seconds
        said = f"Question {at} " + "word " * random.randrange(5, 150)
        prompt = talk.turn(said, text("word " * random.randrange(5, 200)), seconds=seconds)
        plan, truth = prompt.plan, cache.charge(prompt)
        assert whole(plan.cached) == whole(plan.uncached) == plan.prompt_tokens
        off.append(abs(plan.cached.cache_read_tokens - truth.cache_read_tokens) / plan.prompt_tokens)
    off.sort()
    assert off[int(0.9 * len(off))] <= 0.02
    assert off[-1] <= 0.2


def test_below_the_least_prefix_nothing_is_cached() -> None:
    plan = Talk(limits=LIMITS).turn("Hello", text("Yes")).plan
    assert plan.cached == plan.uncached == Forecast(plan.prompt_tokens)


def test_uncached_all_that_is_marked_is_written() -> None:
    talk = Talk(limits=LIMITS)
    for _ in range(5):
        prompt = talk.turn("word " * 200, text("word " * 100))
    plan = prompt.plan
    assert plan.cached.cache_read_tokens > 1_000
    assert plan.uncached.cache_read_tokens == 0
    assert plan.uncached.input_tokens == plan.cached.input_tokens
    written = plan.uncached.cache_write_5m_tokens + plan.uncached.cache_write_1h_tokens
    assert written == plan.prompt_tokens - plan.uncached.input_tokens
