"""SQLite under many writers and many streams at once: no client sees an error."""

from __future__ import annotations

import functools
import secrets
import time
from collections import Counter

import pytest

from tests.faults.conftest import Found, Scale
from tests.faults.crowds import at_once, check_tree, frames, payload_of, tree
from tests.servers import Serve, Server
from tests.support import Answer, Api

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True, scope="module")

STREAM = "[[reply: words=60 seconds_per_event=0.05]]"
HISTORY = [{"role": role, "content": "Said before."} for role in ("user", "assistant")] * 10


def test_many_writers_and_many_streams_see_no_error(
    serve: Serve, database_url: str, scale: Scale, found: Found
) -> None:
    server = serve(DATABASE_URL=database_url).wait_until_ready()
    ends_at = time.monotonic() + scale.load_seconds
    writers = [functools.partial(_write, server, ends_at) for _ in range(scale.writers)]
    listeners = [functools.partial(_listen, server, ends_at) for _ in range(scale.streams)]
    done: Counter[str] = sum(at_once([*writers, *listeners], scale.load_seconds + 120), Counter())
    assert "locked" not in server.output
    assert '"level": "ERROR"' not in server.output, server.output[-5_000:]
    assert server.stop() == 0
    found(
        f"{scale.writers} writers and {scale.streams} streams at once for {scale.load_seconds:g} s: "
        f"{done['writes']} writes, {done['streams']} streams, {done['events']} events, 0 errors"
    )


def _write(server: Server, ends_at: float) -> Counter[str]:
    """Everything that writes, again and again."""
    done: Counter[str] = Counter()
    with server.access() as api:
        while time.monotonic() < ends_at:
            session_id = api.session(title="Load")
            document = {"format": "colloquy.session", "version": 1, "messages": HISTORY}
            imported = _fine(api.post("/sessions/import", json=document)).json()
            address = f"/sessions/{session_id}"
            sent = _fine(api.send_to(session_id, f"{secrets.token_hex(8)} [[reply: words=5]]")).json()
            edited = api.post(f"/messages/{sent['user_message']['id']}/edit", json={"content": "Else"})
            message_id = _fine(edited).json()["message"]["id"]
            _fine(api.patch(address, json={"title": secrets.token_hex(8)}))
            _fine(api.put(f"{address}/head", json={"message_id": sent["message"]["id"]}))
            _fine(api.post(f"{address}/fork", json={"message_id": message_id}))
            _fine(api.get("/messages", params={"q": "Else"}))
            _fine(api.delete(f"/messages/{message_id}"))
            _fine(api.delete(f"/sessions/{imported['id']}"))
            done["writes"] += 9
    return done


def _listen(server: Server, ends_at: float) -> Counter[str]:
    """One stream after the other."""
    done: Counter[str] = Counter()
    with server.access() as api:
        session_id = api.session()
        while time.monotonic() < ends_at:
            events = list(frames([_fine(api.send_to(session_id, STREAM, stream=True)).content]))
            assert payload_of(events[-1])["status"] == "complete"
            done["streams"] += 1
            done["events"] += len(events)
        _check(api, session_id, done["streams"])
    return done


def _check(api: Api, session_id: str, sent: int) -> None:
    messages = tree(api, session_id)
    check_tree(messages)
    assert len(messages) == 2 * sent


def _fine(answer: Answer) -> Answer:
    assert answer.status_code < 300, answer.text
    return answer
