"""Limits by person and by key: counted, told, and refused in words that help."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, update

from app.errors import RateLimited
from app.extensions import db
from app.models.rate_counters import RateCounter
from app.services import leases, rates, summaries, turns
from app.services.identity import Caller
from app.services.transactions import reading, writing
from config import Config
from tests.conftest import made
from tests.services.conftest import REQUEST_ID, at_once, draft, say, someone
from tests.support import CountRows

Limited = Callable[..., Flask]


@pytest.fixture
def limited(config: Config, people: None) -> Iterator[Limited]:
    """An app with these limits, at work until the end of the test."""
    opened = []

    def open_(**limits: int) -> Flask:
        context = made(replace(config, **limits))  # type: ignore[arg-type]
        app = context.__enter__()
        inside = app.app_context()
        inside.push()
        opened.append((context, inside))
        return app

    yield open_
    for context, inside in reversed(opened):
        with writing() as session:
            session.execute(delete(RateCounter))
        inside.pop()
        context.__exit__(None, None, None)


def left(caller: Caller) -> dict[str, int]:
    return {one.limit.name: one.left for one in rates.count_request(caller)}


def use(caller: Caller, tokens: int) -> None:
    with writing() as session:
        rates.used(session, caller.user_id, caller.key_id, tokens)


def refuse_without_tokens(caller: Caller) -> None:
    with reading() as session:
        rates.refuse_without_tokens(session, caller)


def test_every_limit_that_is_set_is_counted_and_told(limited: Limited) -> None:
    limited(requests_per_minute=5, key_requests_per_minute=3, tokens_per_minute=100, key_tokens_per_minute=50)
    ada = someone("Ada")
    assert left(ada) == {"requests": 4, "key-requests": 2, "tokens": 100, "key-tokens": 50}
    use(ada, 30)
    other_key = replace(ada, key_id="key_other")
    assert left(other_key) == {"requests": 3, "key-requests": 2, "tokens": 70, "key-tokens": 50}
    assert left(someone("Bob"))["requests"] == 4
    by_token = replace(ada, key_id=None)
    assert left(by_token) == {"requests": 2, "tokens": 70}, "who came with a token has no key"


def test_a_limit_that_is_passed_names_itself_and_when_to_come_again(limited: Limited) -> None:
    limited(requests_per_minute=2, key_requests_per_minute=1)
    ada = someone("Ada")
    rates.refuse_passed(rates.count_request(ada), rates.REQUESTS)
    standings = rates.count_request(ada)
    with pytest.raises(RateLimited, match="The limit `key-requests` of 1 a minute is reached") as caught:
        rates.refuse_passed(standings, rates.REQUESTS)
    assert 0 < int(caught.value.headers["Retry-After"]) <= 60
    with pytest.raises(RateLimited, match="The limit `requests` of 2 a minute is reached"):
        rates.refuse_passed(rates.count_request(replace(ada, key_id=None)), rates.REQUESTS)


def test_the_limit_that_holds_longest_is_named(limited: Limited) -> None:
    limited(requests_per_minute=1, key_requests_per_minute=1)
    ada = someone("Ada")
    rates.count_request(ada)
    with writing() as session:
        mine = RateCounter.key.contains(ada.user_id)
        session.execute(update(RateCounter).where(mine).values(expires_at_ms=int(time.time() * 1000) + 5000))
    with pytest.raises(RateLimited, match="`key-requests`"):
        rates.refuse_passed(rates.count_request(ada), rates.REQUESTS)


def test_twenty_at_once_get_exactly_as_many_as_there_are(limited: Limited) -> None:
    app = limited(requests_per_minute=7, key_requests_per_minute=100)
    ada = someone("Ada")

    def ask() -> bool:
        rates.refuse_passed(rates.count_request(ada), rates.REQUESTS)
        return True

    found = at_once(app, [ask] * 20)
    assert found.count(True) == 7
    assert sum(isinstance(one, RateLimited) for one in found) == 13


def test_tokens_are_counted_when_an_answer_ends_and_the_next_waits_for_the_minute(limited: Limited) -> None:
    limited(tokens_per_minute=10)
    ada = someone("Ada")
    refuse_without_tokens(ada)
    _, answer = say(ada, "Hello")
    used = answer.input_tokens + answer.cache_read_tokens + answer.output_tokens  # type: ignore[operator]
    used += answer.cache_write_5m_tokens + answer.cache_write_1h_tokens  # type: ignore[operator]
    (standing,) = rates.count_request(ada)
    assert used > 10
    assert (standing.left, standing.is_kept) == (0, False)
    with reading() as session:
        (row,) = session.query(RateCounter)
        assert row.value == used
    with pytest.raises(RateLimited, match="The limit `tokens` of 10 a minute is reached"):
        turns.start(ada, draft("Again"), REQUEST_ID)
    with pytest.raises(RateLimited):
        summaries.compact(ada, answer.session_id)
    say(someone("Bob"), "Hello")
    with writing() as session:
        session.execute(update(RateCounter).values(expires_at_ms=int(time.time() * 1000)))
    say(ada, "Again", answer.session_id)


def test_one_token_that_is_left_is_enough(limited: Limited) -> None:
    limited(tokens_per_minute=10)
    ada = someone("Ada")
    use(ada, 9)
    refuse_without_tokens(ada)
    use(ada, 1)
    with pytest.raises(RateLimited):
        refuse_without_tokens(ada)


def test_tokens_by_key_are_counted_by_key(limited: Limited) -> None:
    limited(key_tokens_per_minute=10)
    ada = someone("Ada")
    use(ada, 10)
    with pytest.raises(RateLimited, match="The limit `key-tokens` of 10 a minute is reached"):
        refuse_without_tokens(ada)
    refuse_without_tokens(replace(ada, key_id="key_other"))
    refuse_without_tokens(replace(ada, key_id=None))


def test_a_summary_uses_tokens_too(limited: Limited) -> None:
    limited(tokens_per_minute=1_000_000)
    ada = someone("Ada")
    _, answer = say(ada, "Hello")
    for _ in range(2):
        say(ada, "And more of it", answer.session_id)
    before = left(ada)["tokens"]
    summaries.compact(ada, answer.session_id)
    assert left(ada)["tokens"] < before


def test_a_window_that_has_not_begun_is_whole(limited: Limited) -> None:
    limited(tokens_per_minute=10)
    (standing,) = rates.count_request(someone("Ada"))
    assert (standing.left, standing.reset_seconds) == (10, 60)


def test_windows_that_are_over_are_pruned_with_the_rest(limited: Limited, count_rows: CountRows) -> None:
    limited(requests_per_minute=5)
    ada, bob = someone("Ada"), someone("Bob")
    rates.count_request(ada)
    with writing() as session:
        session.execute(update(RateCounter).values(expires_at_ms=int(time.time() * 1000) - 1))
    rates.count_request(bob)
    leases.prune()
    assert count_rows()["rate_counters"] == 1
    assert left(bob) == {"requests": 3}


def test_how_many_statements_it_takes(limited: Limited) -> None:
    limited(requests_per_minute=5, key_requests_per_minute=5, tokens_per_minute=5, key_tokens_per_minute=5)
    ada = someone("Ada")
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2].split()[0])

    event.listen(db.engine, "before_cursor_execute", note)
    rates.count_request(ada)
    assert [one for one in statements if one != "BEGIN"] == ["INSERT", "INSERT", "SELECT"]


def test_without_limits_nothing_is_asked_of_the_database(app: Flask, config: Config, ada: Caller) -> None:
    assert not rates.is_limited(config)
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    with reading() as session:
        rates.refuse_without_tokens(session, ada)
        rates.used(session, ada.user_id, ada.key_id, 1000)
    event.remove(db.engine, "before_cursor_execute", note)
    assert [one for one in statements if "rate_counters" in one] == []
