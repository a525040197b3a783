"""However Claude misbehaves: the client is told in the words of the API, and the next send works."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from app.claude.simulator import Simulator
from config import Config
from tests.faults.conftest import Found
from tests.faults.crowds import calls, check_tree, frames, in_batches, name_of, payload_of, text_in, tree
from tests.support import Answer, Api, text_of

TRIES = 2
WORDS = "[[reply: words=20]]"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Case:
    """What Claude does, and what the client is told; `calls` is how often Claude is asked for it."""

    fault: str
    status: int
    code: str
    calls: int = TRIES
    is_retryable: bool = True
    retry_after: str | None = None


# Before the first event: an HTTP status, also where a stream was asked for.
BEFORE = (
    Case("status=429", 429, "upstream_rate_limited"),
    Case("status=429 retry_after=0", 429, "upstream_rate_limited", retry_after=""),
    Case("status=429 retry_after=30", 429, "upstream_rate_limited", calls=1, retry_after="30"),
    Case("status=529", 503, "upstream_overloaded"),
    Case("status=529 retry_after=25", 503, "upstream_overloaded", calls=1, retry_after="25"),
    Case("status=500", 502, "upstream_failed"),
    Case("status=504", 504, "upstream_timeout"),
    Case("status=401", 502, "upstream_auth", calls=1, is_retryable=False),
    Case("silence after=0 seconds=4", 504, "upstream_timeout"),
    Case("cut after=0", 502, "upstream_failed"),
    Case("garbage after=0", 502, "upstream_failed", calls=1),
    Case("no_stop after=0", 502, "upstream_failed"),
    Case("error after=0 type=overloaded_error", 503, "upstream_overloaded"),
    Case("error after=0 type=rate_limit_error", 429, "upstream_rate_limited"),
)
# After it: what came is kept. A stream tells it as an event, JSON as a status.
AFTER = (
    Case("silence after=8 seconds=4", 504, "upstream_timeout", calls=1),
    Case("cut after=1", 502, "upstream_failed", calls=1),
    Case("cut after=8", 502, "upstream_failed", calls=1),
    Case("garbage after=8", 502, "upstream_failed", calls=1),
    Case("no_stop", 502, "upstream_failed", calls=1),
    Case("no_stop after=8", 502, "upstream_failed", calls=1),
    Case("error after=8 type=api_error", 502, "upstream_failed", calls=1),
    Case("error after=8 type=overloaded_error", 503, "upstream_overloaded", calls=1),
    Case("error after=8 type=rate_limit_error", 429, "upstream_rate_limited", calls=1),
    Case("error after=8 type=timeout_error", 504, "upstream_timeout", calls=1),
)
# Once only: it is tried again, and nobody notices.
PASSING = tuple(
    Case(f"{fault} times=1", 200, "")
    for fault in ("status=429", "status=529", "status=500", "cut after=0", "silence after=0 seconds=4")
)
Look = Callable[[Api, Simulator, Case, bool], None]


@pytest.fixture(scope="module")
def config(config: Config) -> Config:
    """Impatient, so that the table is soon through."""
    return replace(config, silence_timeout_seconds=1.5, retry_tries=TRIES, retry_deadline_seconds=20)


FORMS = (False, True)  # as JSON, as a stream


def test_whatever_claude_does_is_told_and_the_next_send_works(
    api: Api, simulator: Simulator, found: Found
) -> None:
    looks = ((_check_before, BEFORE), (_check_after, AFTER), (_check_passing, PASSING))
    acts = [
        functools.partial(_in_words, look, api, simulator, case, is_streamed)
        for look, cases in looks
        for case in cases
        for is_streamed in FORMS
    ]
    assert [line for line in in_batches(acts) if line] == []
    found(
        f"{len(BEFORE)} faults before the first event and {len(AFTER)} after it, as JSON and as a stream: "
        f"each told as the API says, 0 sessions stuck; {len(PASSING)} that strike once: 0 noticed"
    )


def _send(api: Api, session_id: str, content: str, is_streamed: bool) -> Answer:
    return api.send_to(session_id, content, stream=is_streamed)


def _in_words(look: Look, api: Api, simulator: Simulator, case: Case, is_streamed: bool) -> str:
    """What is wrong with a case; every case is looked at before the test fails."""
    try:
        look(api, simulator, case, is_streamed)
    except AssertionError as error:
        return f"{case.fault}, {'stream' if is_streamed else 'JSON'}: {error}"
    return ""


def _check_before(api: Api, simulator: Simulator, case: Case, is_streamed: bool) -> None:
    session_id, mark = api.session(), secrets.token_hex(8)
    answer = _send(api, session_id, f"{mark} {WORDS} [[fault: {case.fault}]]", is_streamed)
    _check_problem(answer, case)
    assert calls(simulator, mark) == case.calls
    _check_kept(api, session_id, case, "")
    _check_goes_on(api, session_id)


def _check_after(api: Api, simulator: Simulator, case: Case, is_streamed: bool) -> None:
    session_id, mark = api.session(), secrets.token_hex(8)
    answer = _send(api, session_id, f"{mark} {WORDS} [[fault: {case.fault}]]", is_streamed)
    said = None
    if is_streamed:
        assert answer.status_code == 200, answer.text
        events = list(frames([answer.content]))
        assert [name_of(one) for one in events[-2:]] == ["error", "colloquy.done"]
        problem, done = payload_of(events[-2]), payload_of(events[-1])
        assert (problem["code"], problem["status"]) == (case.code, case.status)
        assert problem["retryable"] is case.is_retryable
        assert (done["status"], done["stop_reason"] in {None, "end_turn"}) == ("failed", True)
        said = text_in(events)
    else:
        _check_problem(answer, case)
    assert calls(simulator, mark) == case.calls
    _check_kept(api, session_id, case, said)
    _check_goes_on(api, session_id)


def _check_passing(api: Api, simulator: Simulator, case: Case, is_streamed: bool) -> None:
    mark = secrets.token_hex(8)
    answer = _send(api, api.session(), f"{mark} [[fault: {case.fault}]]", is_streamed)
    assert answer.status_code == (200 if is_streamed else 201), answer.text
    if is_streamed:
        assert payload_of(list(frames([answer.content]))[-1])["status"] == "complete"
    assert calls(simulator, mark) == case.calls


def _check_problem(answer: Answer, case: Case) -> None:
    assert answer.headers["Content-Type"] == PROBLEM, answer.text
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (case.status, case.code)
    assert (problem["status"], problem["type"]) == (case.status, f"urn:colloquy:problem:{case.code}")
    assert problem["retryable"] is case.is_retryable
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert set(problem["upstream"]) == {"status", "type", "request_id"}
    assert problem["message_id"].startswith("msg_")
    if case.retry_after:
        assert answer.headers["Retry-After"] == case.retry_after
    assert "simulator" not in answer.text.lower(), "Claude's own words are not passed on"


def _check_kept(api: Api, session_id: str, case: Case, said: str | None) -> None:
    question, answer = api.path(session_id)
    assert (question["status"], answer["status"]) == ("complete", "failed")
    assert answer["error"]["code"] == case.code
    if said is not None:
        assert text_of(answer) == said


def _check_goes_on(api: Api, session_id: str) -> None:
    assert api.say(session_id, "And now?")["status"] == "complete"
    check_tree(tree(api, session_id))
