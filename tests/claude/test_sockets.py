"""Readers of real sockets are woken by whoever stops their call, wherever they wait."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from app.claude.client import Address, Claude, Patience
from app.claude.retries import Policy
from app.claude.simulator import Simulator
from app.claude.sockets import StoppableBackend
from app.claude.stop import Stop
from app.errors import ColloquyError, UpstreamFailed

KEY = "sk-ant-test-0123456789"
PATIENT = Patience(5, 60, Policy(3, 60))
AT_ONCE_SECONDS = 1.0


class Listener:
    """Reads a call in a thread, and notes what came, how it ended, and when."""

    def __init__(self, claude: Claude, text: str) -> None:
        self.stop = Stop()
        self.names: list[str] = []
        self.error: ColloquyError | None = None
        self.ended_at = 0.0
        self._events = claude.stream(body(text), self.stop)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            for one in self._events:
                self.names.append(one.name)
        except ColloquyError as error:
            self.error = error
        self.ended_at = time.monotonic()

    def wait_for(self, count: int) -> None:
        while len(self.names) < count:
            time.sleep(0.005)

    def seconds_after_stop(self) -> float:
        """End the call; how long its reader took to notice."""
        asked_at = time.monotonic()
        self.stop.set("cancelled")
        self._thread.join()
        return self.ended_at - asked_at


class Mute:
    """A server that takes requests and never answers; it tells when a client has hung up."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.has_request, self.has_hung_up = threading.Event(), threading.Event()
        self.requests = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                while received := connection.recv(65_536):
                    self.requests += b"POST" in received
                    self.has_request.set()
                self.has_hung_up.set()

    def close(self) -> None:
        self._listening.close()


def body(text: str) -> dict[str, Any]:
    said = [{"role": "user", "content": text}]
    return {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": said}


def ports_to(simulator: Simulator) -> set[int]:
    """Our end of each connection to the simulator."""
    port = int(simulator.base_url.rsplit(":", 1)[1])
    found = psutil.Process().net_connections("tcp")
    return {
        one.laddr.port
        for one in found
        if one.raddr and one.raddr.port == port and one.status == "ESTABLISHED"
    }


def sent(simulator: Simulator, text: str) -> int:
    return sum(one.body == {**body(text), "stream": True} for one in simulator.requests if one.body)


@pytest.fixture
def claude(simulator: Simulator) -> Iterator[Claude]:
    client = Claude(lambda: Address(simulator.base_url, KEY), PATIENT)
    client.connect()
    yield client
    client.close()


@pytest.fixture
def mute() -> Iterator[Mute]:
    server = Mute()
    yield server
    server.close()


def test_a_reader_that_waits_for_the_headers_is_woken(claude: Claude, simulator: Simulator) -> None:
    text = "[[fault: silence after=0 seconds=30]] before the headers"
    listener = Listener(claude, text)
    while not sent(simulator, text):
        time.sleep(0.005)
    assert listener.seconds_after_stop() < AT_ONCE_SECONDS
    assert isinstance(listener.error, UpstreamFailed)
    assert (listener.names, sent(simulator, text)) == ([], 1), "it is not tried again"


def test_a_reader_in_mid_stream_is_woken_and_keeps_what_came(claude: Claude, simulator: Simulator) -> None:
    text = "[[fault: silence after=3 seconds=30]] in mid-stream"
    listener = Listener(claude, text)
    listener.wait_for(3)
    assert listener.seconds_after_stop() < AT_ONCE_SECONDS
    assert isinstance(listener.error, UpstreamFailed)
    assert (listener.names[0], len(listener.names)) == ("message_start", 3)
    assert sent(simulator, text) == 1


def test_a_reader_that_waits_for_its_next_try_is_woken(claude: Claude, simulator: Simulator) -> None:
    text = "[[fault: status=529 retry_after=20]] between two tries"
    listener = Listener(claude, text)
    while not sent(simulator, text):
        time.sleep(0.005)
    time.sleep(0.2)
    assert listener.seconds_after_stop() < AT_ONCE_SECONDS
    assert listener.error
    assert sent(simulator, text) == 1


def test_the_server_sees_that_the_connection_is_closed(mute: Mute) -> None:
    client = Claude(lambda: Address(mute.base_url, KEY), PATIENT)
    client.connect()
    listener = Listener(client, "Hello")
    assert mute.has_request.wait(10)
    assert listener.seconds_after_stop() < AT_ONCE_SECONDS
    assert mute.has_hung_up.wait(AT_ONCE_SECONDS)
    assert mute.requests == 1
    client.close()


def test_a_call_that_was_stopped_before_it_began_does_not_wait(claude: Claude) -> None:
    stop = Stop()
    stop.set("cancelled")
    began_at = time.monotonic()
    with pytest.raises(UpstreamFailed):
        next(claude.stream(body("[[fault: silence after=0 seconds=30]]"), stop))
    assert time.monotonic() - began_at < AT_ONCE_SECONDS


def test_only_the_call_that_is_stopped_ends(claude: Claude) -> None:
    slow = "[[reply: words=30 seconds_per_event=0.05]]"
    others = [Listener(claude, f"{slow} {number}") for number in range(4)]
    stopped = Listener(claude, slow)
    for one in [stopped, *others]:
        one.wait_for(2)
    assert stopped.seconds_after_stop() < AT_ONCE_SECONDS
    assert stopped.error
    for one in others:
        one._thread.join()
        assert (one.error, one.names[-1]) == (None, "message_stop")


def test_a_stop_that_comes_too_late_leaves_the_pooled_connection_to_the_next_call(
    claude: Claude, simulator: Simulator
) -> None:
    before = ports_to(simulator)
    first = Listener(claude, "Hello")
    first._thread.join()
    assert first.names[-1] == "message_stop"
    second = Listener(claude, "[[reply: words=20 seconds_per_event=0.02]] on the same connection")
    second.wait_for(2)
    assert len(ports_to(simulator) - before) == 1, "it is the same connection"
    first.stop.set("cancelled")
    second._thread.join()
    assert (second.error, second.names[-1]) == (None, "message_stop")
    deque(claude.stream(body("And once more")), maxlen=0)


def test_after_a_stop_the_next_call_gets_a_connection_that_works(claude: Claude) -> None:
    for _ in range(3):
        listener = Listener(claude, "[[fault: silence after=3 seconds=30]]")
        listener.wait_for(3)
        assert listener.seconds_after_stop() < AT_ONCE_SECONDS
        assert [one.name for one in claude.stream(body("Hello"))][-1] == "message_stop"


def test_without_a_call_a_connection_is_like_any_other(simulator: Simulator) -> None:
    host, port = simulator.base_url.removeprefix("http://").split(":")
    stream = StoppableBackend().connect_tcp(host, int(port), timeout=5)
    stream.write(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert int(stream.read(64).split()[1]) == http.client.UNAUTHORIZED
    stream.close()
