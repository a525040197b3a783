"""A client that is cut off at any event and comes back gets the rest, byte for byte."""

from __future__ import annotations

import functools
import secrets

import pytest

from app.claude.simulator import Simulator
from tests.faults.conftest import Found, Scale
from tests.faults.crowds import calls, frames, id_of, in_batches, name_of, replay
from tests.support import Api


def test_who_is_cut_off_at_any_event_of_a_running_stream_gets_the_rest(
    api: Api, simulator: Simulator, scale: Scale, found: Found
) -> None:
    length, mark = len(_seen_until(api, "the whole", _fast(scale), None)), secrets.token_hex(8)
    acts = [functools.partial(_cut_and_resume, api, k, f"{mark}-{k}.", scale) for k in range(1, length + 1)]
    resumed = in_batches(acts, 32)
    for k, (seen, rest, whole) in enumerate(resumed, 1):
        assert len(whole) == length
        assert seen == whole[:k], f"what came before the cut at {k}"
        assert rest == whole[k:], f"what came after the cut at {k}"
        assert name_of(whole[-1]) == "colloquy.done"
        assert calls(simulator, f"{mark}-{k}.") == 1
    found(f"cut at each of {length} events while it runs: 0 bytes differ, 1 call to Claude each")


@pytest.mark.parametrize("more", ["", "[[reply: thinking=Let me think.]]", "[[fault: cut after=9]]"])
def test_who_comes_back_to_a_stream_that_has_ended_gets_the_rest(
    api: Api, simulator: Simulator, scale: Scale, found: Found, more: str
) -> None:
    mark = secrets.token_hex(8)
    whole = _seen_until(api, mark, f"{_fast(scale)} {more}", None)
    message_id, _ = id_of(whole[0])
    for k in range(len(whole) + 1):
        assert replay(api, message_id, k) == whole[k:]
        by_number = api.get(f"/messages/{message_id}/events", params={"after": k})
        assert by_number.content == b"".join(whole[k:])
    assert calls(simulator, mark) == 1
    found(f"read again from each of {len(whole)} events after its end: 0 bytes differ, 1 call to Claude")


def _fast(scale: Scale) -> str:
    return f"[[reply: words={scale.cut_words}]]"


def _cut_and_resume(
    api: Api, k: int, mark: str, scale: Scale
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """What came before the cut, what came after it, and the whole as it is told afterwards."""
    slow = f"[[reply: words={scale.cut_words} seconds_per_event=0.02]]"
    seen = _seen_until(api, mark, slow, k)
    message_id, number = id_of(seen[-1])
    assert number == k
    return seen, replay(api, message_id, k), replay(api, message_id, 0)


def _seen_until(api: Api, mark: str, wish: str, k: int | None) -> list[bytes]:
    """Send as a stream and leave after k events."""
    body = {"content": f"{mark} {wish}", "stream": True}
    with api.stream("POST", f"/sessions/{api.session()}/messages", json=body) as answer:
        assert answer.status_code == 200
        coming = frames(answer.iter_bytes())
        return list(coming) if k is None else [next(coming) for _ in range(k)]
