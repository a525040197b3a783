"""Clients that never give up: they send again what may be, go on with streams, note what they are told."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import httpx2

from tests.faults.crowds import frames, id_of, name_of, payload_of
from tests.servers import KEY
from tests.support import Answer, Api

T = TypeVar("T")
MAY_BE_TRIED_AGAIN = frozenset({502, 503, 504})
PAUSE_SECONDS = 0.2
MOST_SECONDS = 60.0  # for one act, with all its tries
STREAMED = "[[reply: words=40 seconds_per_event=0.05]]"
SHORT = "[[reply: words=9]]"


class Again(Exception):
    """An answer that says that the same may be sent again."""


@dataclass
class Stream:
    """A stream as it came, in however many pieces."""

    mark: str
    seen: list[bytes] = field(default_factory=list)
    last_at: float = 0.0

    @property
    def is_done(self) -> bool:
        return bool(self.seen) and name_of(self.seen[-1]) == "colloquy.done"


class Client:
    """One client with a session of its own: every second one streams, the others send and read.

    It keeps what it was told, for a look afterwards whether it is so.
    """

    def __init__(self, urls: Sequence[str], seed: int) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        self._accesses = [Api(base_url=url, headers=headers, timeout=MOST_SECONDS) for url in urls]
        self._random = Random(seed)  # noqa: S311 - no secret
        self._acts = (self._stream,) if seed % 2 else (self._send, self._read)
        self.session_id = ""
        self.acknowledged: dict[str, str] = {}  # the id of a message, and the word that marks it
        self.streams: list[Stream] = []
        self.retried: Counter[str] = Counter()
        self.resumed_seconds: list[float] = []
        self.statuses: Counter[str] = Counter()

    def act_until(self, ends_at: float) -> None:
        """One act after the other; raises AssertionError at the first that no repetition mends."""
        self.session_id = str(self._patiently(self._make_session).json()["id"])
        while time.monotonic() < ends_at:
            self._random.choice(self._acts)()

    def close(self) -> None:
        for one in self._accesses:
            one.close()

    @property
    def _path(self) -> str:
        return f"/sessions/{self.session_id}/messages"

    def _make_session(self, api: Api) -> Answer:
        return _fine(api.post("/sessions", json={"title": "Cluster"}, headers={"Idempotency-Key": self._key}))

    @property
    def _key(self) -> str:
        """Stands for the session: one for each client."""
        return f"session-{id(self):x}"

    def _read(self) -> None:
        self._patiently(lambda api: _fine(api.get(self._path, params={"limit": 20})))
        self._patiently(lambda api: _fine(api.get("/sessions", params={"limit": 5})))

    def _send(self) -> None:
        mark = secrets.token_hex(8)
        body, headers = {"content": f"{mark} {SHORT}"}, {"Idempotency-Key": mark}
        sent = self._patiently(lambda api: _fine(api.post(self._path, json=body, headers=headers))).json()
        self.acknowledged[sent["user_message"]["id"]] = mark
        self.statuses[sent["message"]["status"]] += 1

    def _stream(self) -> None:
        """Send as a stream; where it breaks off, go on after the last event that came."""
        stream = Stream(secrets.token_hex(8))
        self.streams.append(stream)
        while not stream.is_done:
            self._patiently(lambda api: self._go_on(api, stream) if stream.seen else self._begin(api, stream))
        self.statuses[payload_of(stream.seen[-1])["status"]] += 1

    def _begin(self, api: Api, stream: Stream) -> None:
        body = {"content": f"{stream.mark} {STREAMED}", "stream": True}
        headers = {"Idempotency-Key": stream.mark}
        with api.stream("POST", self._path, json=body, headers=headers) as answer:
            self._take(answer, stream)

    def _go_on(self, api: Api, stream: Stream) -> None:
        message_id, number = id_of(stream.seen[-1])
        had, broken_at = len(stream.seen), stream.last_at
        headers = {"Last-Event-ID": f"{message_id}:{number}"}
        with api.stream("GET", f"/messages/{message_id}/events", headers=headers) as answer:
            self._take(answer, stream)
        if len(stream.seen) > had:
            self.resumed_seconds.append(stream.last_at - broken_at)

    def _take(self, answer: Answer, stream: Stream) -> None:
        if answer.status_code >= 400:
            answer.read()
        for frame in frames(_fine(answer).iter_bytes()):
            stream.seen.append(frame)
            stream.last_at = time.monotonic()
            if len(stream.seen) == 1:
                self.acknowledged[payload_of(frame)["user_message_id"]] = stream.mark

    def _patiently(self, act: Callable[[Api], T]) -> T:
        """What it gives, tried again where that is allowed; without nginx, from the next server."""
        ends_at = time.monotonic() + MOST_SECONDS
        while True:
            try:
                return act(self._accesses[0])
            except (Again, httpx2.TransportError) as error:
                self.retried[str(error) if isinstance(error, Again) else "connection ended"] += 1
                if time.monotonic() > ends_at:
                    raise AssertionError(f"tried for {MOST_SECONDS:g} s: {error!r}") from error
            self._accesses = [*self._accesses[1:], self._accesses[0]]
            time.sleep(PAUSE_SECONDS)


def _fine(answer: Answer) -> Answer:
    if answer.status_code < 400:
        return answer
    problem = answer.json()
    if answer.status_code in MAY_BE_TRIED_AGAIN or problem.get("retryable"):
        raise Again(f"{answer.status_code} {problem['code']}")
    raise AssertionError(answer.text)
