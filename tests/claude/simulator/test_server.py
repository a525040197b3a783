"""The server itself: streams, readers that leave, stopping, and what it remembers."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx2
import pytest

from app.claude.simulator import Simulator, server

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
PATIENCE_SECONDS = 5.0


def ask(text: str, *, stream: bool = False) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "claude-opus-5-5", "max_tokens": 2_000, "messages": messages, "stream": stream}


def eventually(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so() and time.monotonic() < end:
        time.sleep(0.002)
    return is_so()


def lines(client: httpx2.Client, text: str) -> list[str]:
    with client.stream("POST", "/v1/messages", json=ask(text, stream=True)) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(response.iter_lines())


def test_all_types_of_event_are_sent(http: httpx2.Client) -> None:
    sent = lines(http, "[[fault: error after=15]]") + lines(http, "Hello")
    assert {line.removeprefix("event: ") for line in sent if line.startswith("event: ")} == {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    }


def test_a_connection_serves_one_request_after_another(simulator: Simulator) -> None:
    address = urlsplit(simulator.base_url)
    headers = "host: a\r\nx-api-key: k\r\nanthropic-version: 2023-06-01"
    request = f"GET /v1/models/claude-opus-5-5 HTTP/1.1\r\n{headers}\r\n\r\n".encode()
    with socket.create_connection((address.hostname, address.port)) as connection:
        for _ in range(3):
            connection.sendall(request)
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65_536)
            assert received.startswith(b"HTTP/1.1 200 ")


def test_events_come_at_their_pace() -> None:
    with (
        Simulator(seconds_per_event=0.02) as simulator,
        httpx2.Client(base_url=simulator.base_url, headers=HEADERS) as client,
    ):
        begun = time.monotonic()
        sent = lines(client, "[[reply: words=15]]")
        assert time.monotonic() - begun >= sent.count("event: content_block_delta") * 0.02


def test_a_message_may_ask_for_another_pace() -> None:
    with (
        Simulator(seconds_per_event=3_600) as simulator,
        httpx2.Client(base_url=simulator.base_url, headers=HEADERS) as client,
    ):
        assert "event: message_stop" in lines(client, "[[reply: seconds_per_event=0]]")


def test_many_streams_run_at_once(simulator: Simulator) -> None:
    def read() -> None:
        with httpx2.Client(base_url=simulator.base_url, headers=HEADERS) as client:
            ends.append(lines(client, "[[reply: words=60]]")[-2])

    ends: list[str] = []
    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == ['data: {"type": "message_stop"}'] * 20


def test_a_reader_that_leaves_is_noticed() -> None:
    with (
        Simulator(seconds_per_event=0.02) as simulator,
        httpx2.Client(base_url=simulator.base_url, headers=HEADERS) as client,
    ):
        with client.stream(
            "POST", "/v1/messages", json=ask("[[reply: words=1500]]", stream=True)
        ) as response:
            next(response.iter_lines())
            assert eventually(lambda: simulator.open_streams == 1)
        assert eventually(lambda: simulator.open_streams == 0)
        assert simulator.broken_streams == 1


def test_a_stream_that_is_read_to_its_end_is_not_broken(http: httpx2.Client, simulator: Simulator) -> None:
    before = simulator.broken_streams
    lines(http, "Hello")
    assert eventually(lambda: simulator.open_streams == 0)
    assert simulator.broken_streams == before


def test_stopping_ends_silence_and_streams() -> None:
    simulator = Simulator(seconds_per_event=0).start()
    errors: list[Exception] = []

    def read() -> None:
        try:
            with httpx2.Client(base_url=simulator.base_url, headers=HEADERS) as client:
                lines(client, "[[fault: silence after=2 seconds=60]]")
        except httpx2.HTTPError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert eventually(lambda: simulator.open_streams == 1)
    simulator.stop()
    reader.join(PATIENCE_SECONDS)
    assert not reader.is_alive()
    assert isinstance(errors[0], httpx2.RemoteProtocolError)


def test_after_stopping_nobody_listens() -> None:
    with Simulator() as simulator:
        url = simulator.base_url
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/v1/models", headers=HEADERS)


def test_one_that_was_never_started_can_be_stopped() -> None:
    Simulator().stop()


def test_requests_are_recorded_as_they_came() -> None:
    with (
        Simulator(seconds_per_event=0) as simulator,
        anthropic.Anthropic(base_url=simulator.base_url, api_key="the-key", max_retries=0) as client,
    ):
        client.messages.create(
            model="claude-opus-5-5", max_tokens=50, messages=[{"role": "user", "content": "Hi"}]
        )
        client.models.retrieve("claude-opus-5-5")
        sent, looked_up = simulator.requests
    assert (sent.method, sent.path) == ("POST", "/v1/messages")
    assert sent.headers["authorization"] == "Bearer the-key"
    assert sent.body["messages"] == [{"role": "user", "content": "Hi"}]
    assert (looked_up.path, looked_up.body) == ("/v1/models/claude-opus-5-5", None)


def test_a_body_that_is_too_large_is_refused(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_BODY_BYTES", 10)
    response = httpx2.post(f"{simulator.base_url}/v1/messages", headers=HEADERS, content=b"{" + b" " * 10)
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "request_too_large"
    assert response.headers["request-id"] == response.json()["request_id"]
