"""The client, against a simulator over HTTP."""

from __future__ import annotations

import gzip
import socket
import threading
from collections import deque
from collections.abc import Iterator

import httpx2
import psutil
import pytest

from app.claude.client import Address, Claude, Patience
from app.claude.retries import Policy
from app.claude.simulator import Simulator
from app.errors import UpstreamFailed

KEY = "sk-ant-secret-0123456789"
BODY = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}
ONCE = Patience(1, 1, Policy(1, 1))


@pytest.fixture
def claude(simulator: Simulator) -> Iterator[Claude]:
    client = Claude(lambda: Address(simulator.base_url, KEY), ONCE)
    yield client
    client.close()


def test_the_key_is_sent_as_the_package_sends_it(claude: Claude, simulator: Simulator) -> None:
    assert [one.name for one in claude.stream(BODY)][-1] == "message_stop"
    sent = simulator.requests[-1].headers
    assert sent["authorization"] == f"Bearer {KEY}"
    assert sent["anthropic-version"]


def test_a_stream_that_is_left_closes_the_connection(claude: Claude, simulator: Simulator) -> None:
    body = {**BODY, "messages": [{"role": "user", "content": "[[reply: words=400 seconds_per_event=0.01]]"}]}
    broken = simulator.broken_streams
    events = claude.stream(body)
    next(events)
    events.close()  # type: ignore[attr-defined]
    for _ in range(500):
        if simulator.broken_streams > broken:
            return
        httpx2.get(
            f"{simulator.base_url}/v1/models", headers={"x-api-key": "k", "anthropic-version": "2023-06-01"}
        )
    raise AssertionError("upstream still writes")


def test_one_connection_serves_one_call_after_another(claude: Claude, simulator: Simulator) -> None:
    port = int(simulator.base_url.rsplit(":", 1)[1])

    def connections() -> set[int]:
        found = psutil.Process().net_connections("tcp")
        return {
            one.laddr.port
            for one in found
            if one.raddr and one.raddr.port == port and one.status == "ESTABLISHED"
        }

    before = connections()
    for _ in range(5):
        deque(claude.stream(BODY), maxlen=0)
    assert len(connections() - before) == 1


def test_the_key_is_in_no_repr(claude: Claude) -> None:
    assert KEY not in repr(Address("http://localhost", KEY))
    assert KEY not in repr(claude)


def test_nobody_at_the_address_is_said_in_words() -> None:
    client = Claude(lambda: Address("http://127.0.0.1:9", KEY), ONCE)
    with pytest.raises(UpstreamFailed, match="cannot be reached"):
        next(client.stream(BODY))
    client.close()


def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")

        def refuse() -> None:
            client, _ = proxy.accept()
            with client:
                asked.append(client.recv(65_536).split(b"\r\n")[0])
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        client = Claude(lambda: Address("http://claude.test", KEY), ONCE)
        with pytest.raises(UpstreamFailed):
            next(client.stream(BODY))
        thread.join()
        client.close()
    assert asked == [b"POST http://claude.test/v1/messages HTTP/1.1"]


def test_an_answer_that_is_encoded_is_decoded() -> None:
    told = gzip.compress(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-encoding": "gzip"}, content=told)
    )
    client = Claude(lambda: Address("http://127.0.0.1:9", KEY), ONCE, transport)
    assert [one.name for one in client.stream(BODY)] == ["message_stop"]
    client.close()


def test_the_transport_can_be_replaced() -> None:
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.path)
        return httpx2.Response(200, text='event: message_stop\ndata: {"type":"message_stop"}\n\n')

    transport = httpx2.MockTransport(answer)
    client = Claude(lambda: Address("http://127.0.0.1:9", KEY), ONCE, transport)
    assert [one.text for one in client.stream(BODY)] == ['{"type":"message_stop"}']
    assert seen == ["/v1/messages"]
    client.close()
