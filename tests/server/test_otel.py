"""Traces of servers as they are run, at a real receiver of OpenTelemetry's protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.claude.simulator import Simulator
from tests.receivers import Receiver, attributes_of, receiving
from tests.server.conftest import Server

Serve = Callable[..., Server]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
UPSTREAM = "anthropic.messages.create"
PASSWORD = "Basic c2VjcmV0LW9mLXRoZS1yZWNlaXZlcg=="


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def test_a_turn_is_exported_in_its_callers_trace_and_what_is_left_when_the_server_ends(
    serve: Serve, receiver: Receiver, simulator: Simulator
) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={PASSWORD.replace(' ', '%20')}",
        "OTEL_SERVICE_NAME": "chat of ours",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    server = serve(**environ).wait_until_ready()
    with server.access() as api:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "req_of_mine"}
        sent = api.post("/messages", json={"content": f"Hello, {PASSWORD}"}, headers=headers)
        assert sent.status_code == 201
        (upstream,) = receiver.wait_for(UPSTREAM)
        assert upstream.trace_id.hex() == TRACE
        assert receiver.chain(upstream)[-1] == PARENT
        usage = sent.json()["message"]["usage"]
        assert attributes_of(upstream)["gen_ai.usage.output_tokens"] == usage["output_tokens"]
        asked = [one for one in simulator.requests if one.path == "/v1/messages"][-1]
        assert asked.headers["traceparent"] == f"00-{TRACE}-{upstream.span_id.hex()}-01"
        api.post("/messages", json={"content": "Once more"})
    assert server.stop() == 0
    assert len(receiver.wait_for(UPSTREAM, 2)) == 2
    assert {one["service.name"] for one in receiver.resources} == {"chat of ours"}
    assert {one["authorization"] for one in receiver.headers} == {PASSWORD}
    assert b"Hello" not in b"".join(receiver.bodies)
    assert f'"trace_id": "{TRACE}"' in server.output
    assert "secret-of-the-receiver" not in server.output + str(asked.body)


def test_a_receiver_that_is_not_there_is_said_and_keeps_nobody_waiting(serve: Serve) -> None:
    server = serve(OTEL_TRACES_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    with server.wait_until_ready().access() as api:
        for _ in range(3):
            assert api.post("/messages", json={"content": "Hello"}, timeout=10).status_code == 201
    assert server.stop() == 0
    assert "127.0.0.1" in server.output
    assert "Traceback" not in server.output
