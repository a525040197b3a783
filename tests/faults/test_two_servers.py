"""Two server processes on one PostgreSQL: what one begins, the other tells, ends and knows."""

from __future__ import annotations

import functools
import secrets
import time
from collections.abc import Callable, Iterator

import pytest

from app.claude.simulator import Simulator
from tests.faults.conftest import Found, Scale
from tests.faults.crowds import (
    at_once,
    calls,
    check_tree,
    frames,
    id_of,
    name_of,
    payload_of,
    replay,
    text_in,
    tree,
)
from tests.faults.test_budget_held import CONTEXT, SYSTEM, check_prefixes, check_recalled, turn
from tests.faults.test_idempotency import SENDERS, STREAM, check_equal, check_one_effect, send
from tests.faults.test_one_session import CLIENTS, crowd
from tests.servers import Server, starting
from tests.support import Api, text_of

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True, scope="module")

LONGEST_CANCEL_SECONDS = 5
LONGEST_SLEEP_SECONDS = 30
TURNS = 20
SLOW = "[[reply: words=300 seconds_per_event=0.05]]"
Pair = tuple[Api, Api]


@pytest.fixture(scope="module")
def servers(
    database_url: str, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    with starting(tmp_path_factory.mktemp("servers"), simulator) as start:
        both = [start(DATABASE_URL=database_url, COLLOQUY_LEASE_SECONDS="2") for _ in range(2)]
        yield [one.wait_until_ready() for one in both]


@pytest.fixture
def pair(servers: list[Server]) -> Iterator[Pair]:
    """A person's access to both."""
    with servers[0].access() as here, servers[1].access() as there:
        yield here, there


def test_a_stream_is_followed_resumed_and_cancelled_on_the_other(
    pair: Pair, simulator: Simulator, scale: Scale, found: Found
) -> None:
    slowest = 0.0
    for round_ in range(scale.rounds_of_two_servers):
        here, there = pair if round_ % 2 == 0 else pair[::-1]
        slowest = max(slowest, _follow_and_cancel(here, there, simulator))
    found(
        f"streams begun on one of 2 servers, followed, resumed and cancelled on the other: "
        f"{scale.rounds_of_two_servers}, 0 bytes differ, slowest cancel {slowest:.2f} s"
    )


def test_all_who_send_over_both_are_answered_one_after_the_other(
    pair: Pair, scale: Scale, found: Found
) -> None:
    for _ in range(scale.rounds_to_one_session):
        crowd([*pair], pair[0].session(), "queue")
        crowd([*pair], pair[0].session(), "reject")
    sent = 2 * scale.rounds_to_one_session * CLIENTS
    found(f"{CLIENTS} clients to one session over 2 servers: {sent} sent, 0 lost")


def test_a_key_holds_over_both(pair: Pair, simulator: Simulator, scale: Scale, found: Found) -> None:
    for _ in range(scale.keys):
        session_id, key = pair[0].session(), secrets.token_hex(8)
        same = functools.partial(send, [*pair], session_id, key)
        whole = check_equal(at_once([functools.partial(same, at) for at in range(SENDERS)]))
        streams = at_once([functools.partial(same, at, STREAM) for at in range(SENDERS)])
        assert {text_in(frames([one.content])) for one in streams} == {text_of(whole.json()["message"])}
        check_one_effect(pair[0], simulator, session_id, key)
    found(
        f"{SENDERS} POSTs at once with one key over 2 servers, {scale.keys} times: "
        f"1 message, 1 call to Claude, equal answers"
    )


def test_what_one_has_cached_the_other_begins_with(pair: Pair, simulator: Simulator, found: Found) -> None:
    session_id = pair[0].session(context=CONTEXT, system=SYSTEM)
    turns = [turn(pair[number % 2], simulator, session_id, number) for number in range(TURNS)]
    cuts = check_prefixes(turns)
    assert cuts
    assert check_recalled(turns)
    found(f"{TURNS} turns at a budget over 2 servers in turn: {cuts} cuts, 0 bytes differ on the others")


def test_a_server_that_sleeps_through_its_lease_tells_what_the_other_made_of_it(
    servers: list[Server], pair: Pair, found: Found
) -> None:
    here, there = pair
    session_id = here.session()
    with here.sending(session_id, SLOW) as chunks:
        coming = frames(chunks)
        seen = [next(coming) for _ in range(8)]
        for worker in servers[0].workers():
            worker.suspend()
        seconds = _until_idle(there, session_id)
        assert there.say(session_id, "Now?")["status"] == "complete"
        for worker in servers[0].workers():
            worker.resume()
        seen += coming
    message_id, _ = id_of(seen[0])
    assert seen == replay(there, message_id) == replay(here, message_id)
    assert payload_of(seen[-1])["status"] == "interrupted"
    check_tree(tree(there, session_id))
    found(f"slept through a lease of 2 s: ended by the other server after {seconds:.1f} s, 0 bytes differ")


def test_what_a_dead_server_leaves_is_ended_by_the_other(servers: list[Server], found: Found) -> None:
    """The last of this module: it kills one."""
    with servers[0].access() as here, servers[1].access() as there:
        session_id = here.session()
        with here.sending(session_id, SLOW) as chunks:
            seen = [one for one, _ in zip(frames(chunks), range(8), strict=False)]
            servers[0].kill()
        killed_at = time.monotonic()
        there.wait_until_idle(session_id)
        seconds = time.monotonic() - killed_at
        again = replay(there, id_of(seen[0])[0])
        assert again[: len(seen)] == seen
        assert payload_of(again[-1])["status"] == "interrupted"
        assert there.say(session_id, "Now?")["status"] == "complete"
    found(f"a server killed with an open stream: ended by the other after {seconds:.1f} s, 0 events lost")


def _until_idle(api: Api, session_id: str) -> float:
    began_at = time.monotonic()
    while api.get(f"/sessions/{session_id}").json()["status"] != "idle":
        assert time.monotonic() - began_at < LONGEST_SLEEP_SECONDS, "it still answers"
        time.sleep(0.05)
    return time.monotonic() - began_at


def _follow_and_cancel(here: Api, there: Api, simulator: Simulator) -> float:
    """Returns how long the cancel took."""
    session_id, mark = here.session(), secrets.token_hex(8)
    broken = simulator.broken_streams
    body = {"content": f"{mark} {SLOW}", "stream": True}
    with here.stream("POST", f"/sessions/{session_id}/messages", json=body) as answer:
        coming = frames(answer.iter_bytes())
        seen = [next(coming) for _ in range(3)]
        message_id, _ = id_of(seen[0])
        followed = _some(there, message_id, 0, 12)
        resumed = _some(there, message_id, 12, 6)
        assert there.get(f"/messages/{message_id}").json()["status"] == "running", "all this while it runs"
        begun_at = time.monotonic()
        cancelled = there.post(f"/messages/{message_id}/cancel", json={})
        seconds = time.monotonic() - begun_at
        seen += coming
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert seconds < LONGEST_CANCEL_SECONDS
    assert payload_of(seen[-1])["status"] == "cancelled"
    assert [*followed, *resumed] == seen[:18]
    assert replay(there, message_id) == replay(here, message_id) == seen
    assert text_of(cancelled.json()) == text_in(seen) != ""
    assert not any(name_of(one) == "message_stop" for one in seen)
    _wait_until(lambda: simulator.broken_streams > broken)
    assert calls(simulator, mark) == 1
    assert there.say(session_id, "Now?")["status"] == "complete"
    return seconds


def _some(api: Api, message_id: str, after: int, count: int) -> list[bytes]:
    """So many events that come live, and then the reader leaves."""
    headers = {"Last-Event-ID": f"{message_id}:{after}"}
    with api.stream("GET", f"/messages/{message_id}/events", headers=headers) as answer:
        coming = frames(answer.iter_bytes())
        return [next(coming) for _ in range(count)]


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("Claude's stream was not closed")
