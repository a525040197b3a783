"""A request says how its answer shall come."""

from __future__ import annotations

import json

import pytest

from bench.paces import USUAL, Pace, pace_in
from bench.targets import colloquy, direct


@pytest.mark.parametrize("pace", [Pace(1), Pace(100, 0.05), Pace(200, 0.125)])
def test_a_pace_is_read_from_the_request_that_says_it(pace: Pace) -> None:
    for target in (direct("http://127.0.0.1:1"), colloquy("ours", "http://127.0.0.1:1")):
        assert pace_in(target.request(pace, stream=True)) == pace


def test_the_last_message_says_the_pace() -> None:
    said = [{"role": "user", "content": f"Hello {Pace(3).mark}"}, {"role": "user", "content": Pace(4).mark}]
    assert pace_in(json.dumps(said).encode()) == Pace(4)


@pytest.mark.parametrize("body", [b"", b"Hello", b"[[3]]", b"[[3 deltas, soon]]"])
def test_without_a_mark_the_usual_pace_is_kept(body: bytes) -> None:
    assert pace_in(body) == USUAL
