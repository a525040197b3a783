"""kill -9 at random moments: what a client saw is there again, and every session goes on."""

from __future__ import annotations

import functools
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

from tests.faults.conftest import Found, Scale
from tests.faults.crowds import at_once, check_tree, frames, id_of, name_of, payload_of, replay, text_in, tree
from tests.servers import Serve, Server
from tests.support import Api, text_of

LEASE_SECONDS = 2
MOST_SECONDS_BUSY = 10  # after the lease has ended and the server is back
LATEST_KILL_SECONDS = 1.2
SENDS_A_SESSION = 5  # a session dies several times, and is then left
CALL = '[[reply: tool=calculate input={"expression": "6 * 7"}]]'
WISHES = (
    "[[reply: words=60 seconds_per_event=0.05]]",
    "[[reply: words=200 seconds_per_event=0.01]]",
    "[[reply: words=20 seconds_per_event=0.2]]",
    "[[reply: words=9]]",
    "[[reply: words=40 seconds_per_event=0.05]] [[reply: thinking=Let me think about that.]]",
    f"[[reply: words=15 seconds_per_event=0.01 rounds=4]] {CALL} {CALL}",
    f"[[reply: words=6 seconds_per_event=0.02 rounds=9]] {CALL}",
)


@dataclass
class Sender:
    """One client of one session: what it sent, and what it saw of the answer."""

    session_id: str
    marks: list[str] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)

    def send(self, api: Api, wish: str) -> None:
        """Read until the end, or until the server is gone."""
        self.marks.append(secrets.token_hex(8))
        self.seen = []
        body = {"content": f"{self.marks[-1]} {wish}", "stream": True}
        address = f"/sessions/{self.session_id}/messages"
        with suppress(httpx2.TransportError), api.stream("POST", address, json=body) as answer:
            assert answer.status_code == 200, answer.read()
            whole = answer.iter_bytes()
            with suppress(AssertionError):  # the last event is cut in the middle: it was not seen
                for frame in frames(whole):
                    self.seen.append(frame)


@dataclass
class Figures:
    """What was done, and what came of it."""

    kills: int = 0
    whole: int = 0
    streams: int = 0
    events: int = 0
    broken: int = 0
    restart_seconds: float = 0.0
    idle_seconds: float = 0.0


def test_a_kill_loses_nothing_that_was_seen_and_leaves_no_session_stuck(
    serve: Serve, database_url: str, scale: Scale, found: Found
) -> None:
    seed = int(os.environ.get("FAULTS_SEED", secrets.randbelow(10**6)))
    print(f"FAULTS_SEED={seed}")  # noqa: T201 - shown where the test fails
    random, figures = Random(seed), Figures()  # noqa: S311 - no secret
    settings = {"DATABASE_URL": database_url, "COLLOQUY_LEASE_SECONDS": str(LEASE_SECONDS)}
    server = serve(**settings).wait_until_ready()
    with server.access() as api:
        senders: list[Sender] = []
        for round_ in range(scale.kills):
            if round_ % SENDS_A_SESSION == 0:
                senders = [Sender(api.session(tools=["calculate"])) for _ in range(scale.killed_streams)]
            is_whole = round_ % scale.whole_every == 0
            _send_and_kill(api, server, senders, random, is_whole)
            killed_at = time.monotonic()
            if is_whole:
                server = serve(**settings, PORT=str(server.port))
            server.wait_until_ready()
            ready_at = time.monotonic()
            for sender in senders:
                _wait_until_idle(api, sender.session_id, max(ready_at, killed_at + LEASE_SECONDS))
            figures.restart_seconds = max(figures.restart_seconds, ready_at - killed_at)
            figures.idle_seconds = max(figures.idle_seconds, time.monotonic() - ready_at)
            for sender in senders:
                _check(api, sender, figures)
            figures.kills += 1
            figures.whole += is_whole
        server.stop()
    found(
        f"kill -9 at {figures.kills} moments ({figures.whole} of the whole server, the others of its worker; "
        f"seed {seed}), {figures.streams} streams, {figures.broken} of them broken off: "
        f"{figures.events} events seen, 0 lost, 0 messages doubled, 0 sessions stuck "
        f"(served again within {figures.restart_seconds:.1f} s, all idle {figures.idle_seconds:.1f} s later)"
    )


def _send_and_kill(api: Api, server: Server, senders: list[Sender], random: Random, is_whole: bool) -> None:
    moment = random.uniform(0, LATEST_KILL_SECONDS)
    acts = [functools.partial(one.send, api, random.choice(WISHES)) for one in senders]
    at_once([*acts, functools.partial(_kill_after, server, moment, is_whole)])


def _kill_after(server: Server, seconds: float, is_whole: bool) -> None:
    time.sleep(seconds)
    if is_whole:
        server.kill()
    else:
        worker = server.workers()[0]
        worker.kill()
        worker.wait(10)


def _check(api: Api, sender: Sender, figures: Figures) -> None:
    messages = tree(api, sender.session_id)
    check_tree(messages)
    texts = [one["content"][0]["text"].split()[0] for one in messages if _is_sent(one)]
    assert len(set(texts)) == len(texts), "a message is there twice"
    assert set(texts) <= set(sender.marks)
    figures.streams += 1
    if sender.seen:
        _check_seen(api, sender, {one["id"]: one for one in messages})
        figures.events += len(sender.seen)
        figures.broken += name_of(sender.seen[-1]) != "colloquy.done"
    sender.marks.append(secrets.token_hex(8))
    answer = api.say(sender.session_id, f"{sender.marks[-1]} Now?")
    assert answer["status"] == "complete"
    assert sender.marks[-1] in text_of(answer)


def _check_seen(api: Api, sender: Sender, messages: dict[str, dict[str, Any]]) -> None:
    message_id, _ = id_of(sender.seen[0])
    again = replay(api, message_id)
    assert again[: len(sender.seen)] == sender.seen, "what a client had seen"
    assert [id_of(one) for one in again] == [(message_id, n) for n in range(1, len(again) + 1)]
    answer, done = messages[message_id], payload_of(again[-1])
    assert (name_of(again[-1]), done["status"]) == ("colloquy.done", answer["status"])
    assert answer["status"] == ("complete" if _has_all(again) else "interrupted")
    made = [one for one in messages.values() if message_id in (one["id"], one["turn_id"])]
    said = "".join(text_of(one) for one in made if one["role"] == "assistant")
    assert said == text_in(again)
    assert said.startswith(text_in(sender.seen))
    asked = messages[payload_of(sender.seen[0])["user_message_id"]]
    assert asked["content"][0]["text"].startswith(sender.marks[-1])


def _is_sent(message: dict[str, Any]) -> bool:
    """Whether a client has sent it, and no round of tools has made it."""
    return message["role"] == "user" and message["turn_id"] is None


def _has_all(log: list[bytes]) -> bool:
    """Whether Claude's last answer is whole, and calls no tool."""
    names = [name_of(one) for one in log]
    last = names[len(names) - names[::-1].index("message_start") - 1 :] if "message_start" in names else []
    ends = [payload_of(one) for one in log if name_of(one) == "message_delta"]
    return "message_stop" in last and ends[-1]["delta"]["stop_reason"] != "tool_use"


def _wait_until_idle(api: Api, session_id: str, since: float) -> None:
    ends_at = since + MOST_SECONDS_BUSY
    while api.get(f"/sessions/{session_id}").json()["status"] != "idle":
        assert time.monotonic() < ends_at, "the session is stuck"
        time.sleep(0.05)
