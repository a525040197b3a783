"""What each of Claude's failures means to our caller."""

from __future__ import annotations

import pytest

from app.claude import failures
from app.claude.failures import STATUS_OF_TYPE, from_error_event, from_status, is_transient
from app.errors import (
    CLAUDE_ERRORS,
    ColloquyError,
    ContextOverflow,
    ModelNotFound,
    Upstream,
    UpstreamAuth,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)

BY_STATUS: dict[int, tuple[type[ColloquyError], bool]] = {
    400: (UpstreamRejected, False),
    401: (UpstreamAuth, False),
    402: (UpstreamAuth, False),
    403: (UpstreamAuth, False),
    408: (UpstreamTimeout, True),
    409: (UpstreamFailed, True),
    413: (ContextOverflow, False),
    422: (UpstreamRejected, False),
    429: (UpstreamRateLimited, True),
    500: (UpstreamFailed, True),
    502: (UpstreamFailed, True),
    503: (UpstreamOverloaded, True),
    504: (UpstreamTimeout, True),
    529: (UpstreamOverloaded, True),
    599: (UpstreamFailed, True),
}
SECRET = "sk-ant-hunter2 is not a valid key"


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items())
def test_each_status_has_its_meaning(status: int, expected: tuple[type[ColloquyError], bool]) -> None:
    error = from_status(status, "some_error", SECRET, "req_1")
    assert (type(error), error.retryable) == expected
    assert is_transient(error) == expected[1]
    assert error.upstream == Upstream(status, "some_error", "req_1")
    assert "hunter2" not in str(error.as_problem()), "Claude's words are not passed on"


def test_no_status_is_without_one() -> None:
    found = [from_status(status, None, "", None) for status in range(300, 600)]
    assert {type(one) for one in found} <= set(CLAUDE_ERRORS)
    assert all(one.detail for one in found)


@pytest.mark.parametrize("status", [429, 503, 529])
def test_retry_after_is_passed_on_where_it_means_something(status: int) -> None:
    assert from_status(status, None, "", None, "7").headers == {"Retry-After": "7"}
    assert from_status(status, None, "", None).headers == {}
    assert from_status(400, None, "", None, "7").headers == {}


def test_a_prompt_that_is_too_long_is_told_from_what_is_wrong() -> None:
    told = from_status(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", None)
    assert isinstance(told, ContextOverflow)
    assert not is_transient(told)
    assert (told.counted_tokens, told.most_tokens) == (9, 8)


@pytest.mark.parametrize(
    ("status", "message"),
    [(400, "prompt is too long"), (400, "prompt is too long: many tokens > 8 maximum"), (413, "too large")],
)
def test_where_claude_does_not_say_how_long_it_is_nobody_knows(status: int, message: str) -> None:
    told = from_status(status, "invalid_request_error", message, None)
    assert isinstance(told, ContextOverflow)
    assert (told.counted_tokens, told.most_tokens) == (None, None)


@pytest.mark.parametrize("type_", [*STATUS_OF_TYPE, "unheard_of_error", "", None])
def test_an_error_in_mid_stream_means_what_the_status_would_have(type_: str | None) -> None:
    error = from_error_event(type_, "req_1")
    alike = from_status(STATUS_OF_TYPE.get(type_ or "", 500), type_, "", "req_1")
    assert (type(error), error.detail) == (type(alike), alike.detail)
    assert error.upstream == Upstream(200, type_, "req_1"), "the status that was really sent"


def test_lost_connections_and_silence_may_pass_and_are_told_apart() -> None:
    lost, silent = failures.connection_lost("Gone.", "req_1"), failures.silence(1.5, None)
    assert (type(lost), lost.upstream) == (UpstreamFailed, Upstream(None, "connection_lost", "req_1"))
    assert (type(silent), silent.upstream) == (UpstreamTimeout, Upstream(None, "silence", None))
    assert "1.5 s" in silent.detail
    assert is_transient(lost)
    assert is_transient(silent)


def test_a_404_that_is_not_claudes_says_that_nobody_there_is_claude() -> None:
    error = failures.from_status(404, None, "", None)
    assert isinstance(error, UpstreamFailed)
    assert "ANTHROPIC_BASE_URL" in error.detail
    assert not failures.is_transient(error)
    assert isinstance(failures.from_status(404, "not_found_error", "", None), ModelNotFound)
