"""Loads on the real upstream: what is counted is what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import meters, servers, targets, wire
from bench.canned import canned
from bench.fields import Field
from bench.load import Work, put
from bench.paces import Pace
from bench.rounds import beside_direct, errors_of, rounds_of, stretch
from bench.targets import DIRECT, Target

PACE = Pace(7)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The fake Claude as a process of its own, and how it is called directly."""
    port, folder = servers.free_port(), tmp_path_factory.mktemp("upstream")
    target = targets.direct(f"http://127.0.0.1:{port}")
    with servers.running(servers.upstream(port), folder, lambda: wire.get_json(target.url, "/count")) as one:
        yield replace(target, pids=(one.pid,), upstream_pid=one.pid)


@pytest.mark.parametrize("stream", [False, True])
def test_every_request_is_counted_once_by_both_sides(upstream: Target, stream: bool) -> None:
    place = Field((upstream,), ())
    found = rounds_of(place, 2, 3, Work(stream, PACE, times=4))
    assert list(errors_of(found)) == []
    assert [one.requests for one in found[DIRECT]] == [12, 12]
    assert [len(one.first_seconds) for one in found[DIRECT]] == [12 * stream] * 2
    assert list(beside_direct(found, lambda one: one.cpu_ms)[DIRECT]) == [0, 0]


def test_a_slow_stream_takes_its_time(upstream: Target) -> None:
    pace = Pace(4, 0.05)
    found = put(upstream, 2, Work(True, pace, times=1, spread_seconds=0.1))
    assert found.errors == []
    assert stretch(50, pace.whole_seconds)(found) >= 1
    assert max(found.first_seconds) < min(found.whole_seconds)


def test_an_answer_that_is_not_whole_is_an_error(upstream: Target) -> None:
    for other, says in {
        "/v1/nothing": "status 404",
        "/v1/messages/count_tokens": "without b'\"end_turn\"'",
    }.items():
        found = put(replace(upstream, path=other), 1, Work(False, PACE, times=1))
        assert found.requests == 0
        assert says in found.errors[0]
    found = put(replace(upstream, delta=b"no such event"), 1, Work(True, PACE, times=1))
    assert found.errors == ["Broken: a stream with too few deltas or too many"]


def test_what_a_process_uses_is_read(upstream: Target) -> None:
    assert meters.memory_mib(upstream.pids) > 1
    assert meters.cpu_seconds(upstream.pids) > 0
    assert meters.cpu_seconds([0x7FFFFFFF]) == 0


def test_a_program_that_ends_at_once_is_missed_in_words(tmp_path: Path) -> None:
    program = servers.Program("broken", ["false"], {})
    with (
        pytest.raises(servers.Missing, match="broken did not start"),
        servers.running(program, tmp_path, lambda: wire.get_json("http://127.0.0.1:1", "/")),
    ):
        pass


def test_canned_answers_say_the_same_whole_and_streamed() -> None:
    answer = canned(PACE)
    streamed = b"".join(answer.deltas)
    words = streamed.count(b'"text":"')
    assert words == PACE.deltas
    assert f'"output_tokens": {PACE.deltas}'.encode() in answer.whole
