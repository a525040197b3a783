"""Prices: an admin's word, then the price list's; what nobody prices is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.billing.costs import cost_nano_usd
from app.billing.prices import Price, Prices, listed
from app.billing.usage import Usage
from app.errors import ModelNotPriced, NotFound
from app.services import models, prices, sessions
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.transactions import reading, writing
from config import Config
from tests.conftest import made
from tests.services.conftest import at_once

MODEL, TOMORROWS = "claude-sonnet-5-5", "claude-of-tomorrow"
SET = {
    "input_nano_usd": 1_000,
    "cache_read_nano_usd": 20,
    "cache_write_5m_nano_usd": 1_250,
    "cache_write_1h_nano_usd": 2_000,
    "output_nano_usd": 5_000,
    "web_search_nano_usd": 7,
}


@pytest.fixture(autouse=True)
def unset(app: Flask) -> Iterator[None]:
    """Takes back what a test has set."""
    yield
    with app.app_context():
        for one in prices.page(Ask(200)).rows:
            prices.remove(None, one.model)


@pytest.fixture
def at_work(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def test_without_an_admin_the_price_list_holds(at_work: None) -> None:
    assert prices.needed(MODEL) == prices.of(MODEL) == listed(MODEL)
    assert prices.needed("claude-simulator-8k").version == "simulator"


def test_a_model_without_a_price_is_refused_with_what_to_do(at_work: None) -> None:
    assert prices.of(TOMORROWS) is None
    with pytest.raises(ModelNotPriced) as caught:
        prices.needed(TOMORROWS)
    for words in (TOMORROWS, "GET /models", f"PUT /prices/{TOMORROWS}", "flask admin price set"):
        assert words in caught.value.detail


@pytest.mark.parametrize("model", [MODEL, TOMORROWS, "claude-simulator-8k"])
def test_what_an_admin_sets_holds_at_once_and_until_it_is_taken_back(at_work: None, model: str) -> None:
    before = prices.of(model)
    row = prices.change(None, model, SET)
    expected = Price(0, 1_000, 20, 1_250, 2_000, 5_000)
    assert prices.needed(model) == Prices(prices.version_of(row), (expected,), web_search_nano_usd=7)
    assert cost_nano_usd(prices.needed(model), Usage(3, 5, 7, 11, 13, 17, "fast")) == (
        3_000 + 100 + 8_750 + 22_000 + 65_000 + 119
    )
    prices.remove(None, model)
    assert prices.of(model) == before
    with pytest.raises(NotFound):
        prices.remove(None, model)


def test_each_change_is_a_version_of_its_own(at_work: None) -> None:
    first = prices.change(None, MODEL, SET)
    second = prices.change(None, MODEL, {**SET, "input_nano_usd": 0})
    assert prices.version_of(first) != prices.version_of(second) == prices.needed(MODEL).version
    assert prices.version_of(second).startswith("admin 2")
    assert prices.version_of(second).endswith("Z")
    assert prices.needed(MODEL).tiers[0].input_nano_usd == 0
    assert len(prices.page(Ask()).rows) == 1


def test_another_process_follows_within_a_second(at_work: None, config: Config) -> None:
    with made(config) as elsewhere:
        with elsewhere.app_context():
            assert prices.of(TOMORROWS) is None
        row = prices.change(None, TOMORROWS, SET)
        with elsewhere.app_context():
            ends_at = time.monotonic() + prices.FRESH_SECONDS + 0.5
            while prices.of(TOMORROWS) is None:
                assert time.monotonic() < ends_at
                time.sleep(0.02)
            assert prices.needed(TOMORROWS).version == prices.version_of(row)


def test_what_was_being_read_while_it_changed_is_not_kept(app: Flask, at_work: None) -> None:
    def change(number: int) -> Any:
        return lambda: prices.change(None, f"model-{number}", SET) and prices.of(f"model-{number}")

    found = at_once(app, [change(number) for number in range(8)])
    assert all(isinstance(one, Prices) for one in found), found
    assert all(prices.of(f"model-{number}") for number in range(8))


def test_many_who_set_the_same_price_leave_one(app: Flask, at_work: None) -> None:
    found = at_once(
        app, [lambda at=at: prices.change(None, MODEL, {**SET, "input_nano_usd": at}) for at in range(6)]
    )
    assert {one.input_nano_usd for one in found} == set(range(6))
    assert prices.needed(MODEL).tiers[0].input_nano_usd in range(6)


def test_a_transaction_is_left_alone_by_a_look_at_the_prices(ada: Caller) -> None:
    prices.change(None, MODEL, SET)
    session_id = sessions.create(ada, {}).chat.id
    with reading() as session:
        chat = sessions.own(session, ada, session_id)
        assert prices.of(MODEL)
        assert session.in_transaction()
    with writing() as session:
        chat = sessions.locked(session, ada, session_id)
        chat.title = "Kept"
        assert prices.of(MODEL)
    assert sessions.get(ada, session_id).title == "Kept"


def test_the_list_is_paged_by_model(at_work: None) -> None:
    for name in ("b", "a", "c"):
        prices.change(None, name, SET)
    first = prices.page(Ask(2))
    assert ([one.model for one in first.rows], first.next_key) == (["a", "b"], ["b"])
    assert [one.model for one in prices.page(Ask(2, after=["b"])).rows] == ["c"]
    assert [one.model for one in prices.page(Ask(2, is_descending=True, after=["b"])).rows] == ["a"]


def test_the_tariff_of_the_context_is_that_of_the_price(at_work: None) -> None:
    usual = models.window_of("claude-haiku-5-5")
    assert usual.usual_budget_tokens == 100_000
    prices.change(None, "claude-haiku-5-5", SET)
    window = models.window_of("claude-haiku-5-5")
    assert window.tariff == replace(usual.tariff, read=0.02, write_5m=1.25, write_1h=2.0)
    assert window.usual_budget_tokens == models.USUAL_BUDGET_TOKENS
