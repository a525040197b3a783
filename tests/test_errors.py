"""The error tree: one class per meaning, one shape, nothing said that was not meant to be said."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app import errors
from app.errors import (
    CLAUDE_ERRORS,
    CallerError,
    ColloquyError,
    Fault,
    InternalError,
    Invalid,
    ServerError,
    ThinkingRefused,
    Upstream,
    UpstreamError,
    UpstreamFailed,
    UpstreamRejected,
    all_errors,
    from_problem,
    is_seconds,
)
from app.schemas.base import ProblemView

EVERY = pytest.mark.parametrize("error", all_errors(), ids=lambda one: one.__name__)
PLAIN = {"type", "title", "status", "detail", "code", "retryable"}
RETRYABLE = {
    "session_busy",
    "rate_limited",
    "upstream_rate_limited",
    "upstream_overloaded",
    "upstream_failed",
    "upstream_timeout",
    "database_unavailable",
    "turn_interrupted",
    "draining",
    "provider_unavailable",
}


def test_codes_and_titles_are_each_their_own() -> None:
    codes = [one.code for one in all_errors()]
    assert len(set(codes)) == len({one.title for one in all_errors()}) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_the_module_opens_with_the_whole_tree() -> None:
    told = set(re.findall(r"(\w+) (\d{3})", errors.__doc__ or ""))
    assert told == {(one.__name__, str(one.status)) for one in all_errors()}


@EVERY
def test_each_is_somebodys_fault_and_its_status_says_whose(error: type[ColloquyError]) -> None:
    (branch,) = (one for one in (CallerError, UpstreamError, ServerError) if issubclass(error, one))
    assert 400 <= error.status < 600
    assert (error.status < 500) or branch is not CallerError
    assert (error.status >= 500) or branch is not ServerError


def test_what_may_be_sent_again_is_told() -> None:
    assert {one.code for one in all_errors() if one.retryable} == RETRYABLE


@EVERY
def test_a_problem_has_its_fields_and_no_empty_ones(error: type[ColloquyError]) -> None:
    problem = error("Mend it.").as_problem()
    assert problem.keys() == PLAIN
    assert problem["type"] == f"urn:colloquy:problem:{problem['code']}"
    assert (problem["status"], problem["detail"]) == (error.status, "Mend it.")
    whole = error("Mend it.", faults=[Fault("/a", "b")], upstream=Upstream(500)).as_problem()
    assert ProblemView(partial=("request_id",)).validate(whole) == {}, "as the OpenAPI document has it"


def test_faults_upstream_and_what_it_is_about_are_told() -> None:
    error = UpstreamFailed(
        "No.", faults=[Fault("/a", "b")], upstream=Upstream(500, "api_error", "req_1"), headers={"X": "y"}
    )
    error.about = {"message_id": "msg_1"}
    problem = error.as_problem()
    assert problem["errors"] == [{"pointer": "/a", "detail": "b"}]
    assert problem["upstream"] == {"status": 500, "type": "api_error", "request_id": "req_1"}
    assert problem["message_id"] == "msg_1"
    assert problem.keys() == PLAIN | {"errors", "upstream", "message_id"}, "headers are none of the body's"


@EVERY
def test_a_stored_problem_becomes_the_error_again(error: type[ColloquyError]) -> None:
    made = error(
        "Mend it.",
        faults=[Fault("/a", "b"), Fault("/c/0", "d")],
        upstream=Upstream(529, "overloaded_error", "req_1"),
        headers={"Retry-After": "7"},
    )
    for one in (made, error("Mend it.")):
        problem = {**one.as_problem(), "request_id": "req_2"}
        again = from_problem(json.loads(json.dumps(problem)))
        assert type(again) is error
        assert again.as_problem() == one.as_problem()
        assert (again.faults, again.upstream, again.headers) == (one.faults, one.upstream, one.headers)


def test_what_an_error_was_about_is_said_by_whoever_raises_it_again() -> None:
    error = UpstreamFailed("No.")
    error.about = {"message_id": "msg_1"}
    assert from_problem(error.as_problem()).about == {}


def test_a_kind_that_refines_another_is_stored_as_that() -> None:
    assert type(from_problem(ThinkingRefused("No.").as_problem())) is UpstreamRejected


@pytest.mark.parametrize("problem", [{}, {"code": "of_tomorrow", "detail": "New."}, {"detail": None}])
def test_a_problem_of_an_unknown_kind_is_ours(problem: dict[str, Any]) -> None:
    error = from_problem(problem)
    assert type(error) is InternalError
    assert error.detail == (problem.get("detail") or InternalError.title)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("1.2", 2),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("9" * 10, None),
        ("1e3", None),
    ],
)
def test_how_long_to_wait_is_told_in_whole_seconds(text: str, seconds: int | None) -> None:
    assert is_seconds(text) == (seconds is not None)
    problem = UpstreamFailed("No.", headers={"Retry-After": text}).as_problem()
    assert problem.get("retry_after_seconds") == seconds


def test_the_cause_is_not_told() -> None:
    with pytest.raises(Invalid) as caught:
        _raise_with_a_cause()
    assert "hunter2" not in str(caught.value.as_problem())
    assert str(caught.value) == "Send less."


def _raise_with_a_cause() -> None:
    try:
        raise ValueError("hunter2")
    except ValueError as error:
        raise Invalid("Send less.") from error


def test_two_errors_share_nothing_that_changes() -> None:
    headers: dict[str, str] = {}
    one, two = Invalid("a", headers=headers), Invalid("a", headers=headers)
    one.headers["X"] = "y"
    one.about["id"] = "z"
    assert (two.headers, two.about, headers) == ({}, {}, {})


def test_what_claude_may_end_with_is_all_that_its_failures_make() -> None:
    made = {one for one in all_errors() if issubclass(one, UpstreamError)}
    assert made <= set(CLAUDE_ERRORS) <= set(all_errors())


def test_they_are_listed_by_status_and_code() -> None:
    keys = [(one.status, one.code) for one in all_errors()]
    assert keys == sorted(keys)
    assert not {ColloquyError, CallerError, UpstreamError, ServerError} & set(all_errors())
