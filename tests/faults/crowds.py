"""Many clients at once, what a stream is byte for byte, and what a tree must be."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from app.claude.simulator import Simulator
from tests.support import Api

T = TypeVar("T")
LONGEST_SECONDS = 120
TOGETHER_MOST = 64


def at_once(acts: Sequence[Callable[[], T]], most_seconds: float = LONGEST_SECONDS) -> list[T]:
    """Do all of it at the same time, a thread each; what each gave. Raises what the first one raised."""
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    ready = threading.Barrier(len(acts))

    def go(at: int) -> None:
        try:
            ready.wait()
            results[at] = acts[at]()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=go, args=(at,), daemon=True) for at in range(len(acts))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(most_seconds)
    if errors:
        raise errors[0]
    assert len(results) == len(acts), "somebody still waits"
    return [results[at] for at in range(len(acts))]


def in_batches(acts: Sequence[Callable[[], T]], most: int = TOGETHER_MOST) -> list[T]:
    """As `at_once`, but never more than so many."""
    batches = [acts[start : start + most] for start in range(0, len(acts), most)]
    return [result for batch in batches for result in at_once(batch)]


def frames(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The events of a stream, each exactly as it came and as soon as it is whole; comments are left out."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n\n")
        yield from (one + b"\n\n" for one in whole if not one.startswith(b":"))
    assert not rest, f"half an event at the end: {rest!r}"


def id_of(frame: bytes) -> tuple[str, int]:
    """The message and the number of an event."""
    message_id, _, number = frame.split(b"\n")[0].removeprefix(b"id: ").decode().rpartition(":")
    return message_id, int(number)


def name_of(frame: bytes) -> str:
    return frame.split(b"\n")[1].removeprefix(b"event: ").decode()


def payload_of(frame: bytes) -> dict[str, Any]:
    lines = [line.removeprefix(b"data: ") for line in frame.split(b"\n") if line.startswith(b"data: ")]
    return dict(json.loads(b"\n".join(lines)))


def text_in(seen: Iterable[bytes]) -> str:
    """What the text deltas of these events say."""
    payloads = (payload_of(one) for one in seen if name_of(one) == "content_block_delta")
    return "".join(one["delta"].get("text", "") for one in payloads)


def replay(api: Api, message_id: str, after: int = 0) -> list[bytes]:
    """The events of a message after this number, to the end."""
    answer = api.get(f"/messages/{message_id}/events", headers={"Last-Event-ID": f"{message_id}:{after}"})
    assert answer.status_code == 200, answer.text
    return list(frames([answer.content]))


def calls(simulator: Simulator, mark: str) -> int:
    """How often Claude was asked with this word in the newest message."""
    return sum(
        mark in json.dumps(one.body["messages"][-1]["content"])
        for one in list(simulator.requests)
        if one.path == "/v1/messages"
    )


def tree(api: Api, session_id: str) -> list[dict[str, Any]]:
    """Every message of every branch."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"view": "tree", "limit": "200", **cursor}
        page = api.get(f"/sessions/{session_id}/messages", params=query).json()
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}


def check_tree(messages: Sequence[dict[str, Any]]) -> None:
    """No orphans, nothing twice, each after its parent, the roles take turns, nothing still runs."""
    seen: dict[str, dict[str, Any]] = {}
    for one in messages:
        assert one["id"] not in seen, "a message stands there twice"
        if one["parent_id"] is not None:
            assert one["parent_id"] in seen, "a message without its parent"
            assert seen[one["parent_id"]]["role"] != one["role"], "a side that speaks twice"
        else:
            assert one["role"] == "user"
        seen[one["id"]] = one
    assert [one["id"] for one in messages if one["status"] == "running"] == []
    asked_by_parent = {one["parent_id"] for one in messages if one["role"] == "assistant"}
    unanswered = [one["id"] for one in messages if one["role"] == "user" and one["id"] not in asked_by_parent]
    assert unanswered == [], "a message without an answer"
