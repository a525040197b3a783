"""Traces of servers as they are run, at a real receiver of OpenTelemetry's protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.claude.simulator import Simulator
from tests.figures import scraped
from tests.receivers import ERROR, Receiver, attributes_of, receiving
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


def test_what_a_turn_did_is_one_tree_and_so_is_what_was_refused(serve: Serve, receiver: Receiver) -> None:
    server = serve(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{receiver.url}/v1/traces").wait_until_ready()
    with server.access() as api:
        session_id = api.session(tools=["calculate"])
        answer = api.say(session_id, '[[reply: tool=calculate input={"expression": "6 * 7"}]]')
        refused = api.send_to(session_id, "Hello", max_cost_usd="0")
        assert refused.status_code == 402, refused.text
        said = scraped(api)
    assert said['tool_calls_total{status="ok",tool="calculate"}'] == 1
    assert server.stop() == 0
    whole, failed = receiver.wait_for("invoke_agent colloquy", 2)
    told = attributes_of(whole)
    assert (told["gen_ai.conversation.id"], told["colloquy.message.id"]) == (session_id, answer["id"])
    assert (failed.status.code, attributes_of(failed)["error.type"]) == (ERROR, "budget_exhausted")
    for top in (whole, failed):
        assert top.parent_span_id == b""
        below = [one for one in receiver.spans if one.trace_id == top.trace_id and one is not top]
        assert below
        assert {receiver.chain(one)[-2] for one in below} == {top.span_id.hex()}, "nothing hangs elsewhere"
    (tool,) = receiver.wait_for("execute_tool calculate")
    calls = receiver.wait_for(UPSTREAM, 2)
    for one in (tool, *calls):
        assert one.trace_id == whole.trace_id
        assert attributes_of(one)["gen_ai.conversation.id"] == session_id
    assert "attempt" not in {one.name for one in receiver.spans}, "the package's own span is it"


def test_a_receiver_that_is_not_there_is_said_and_keeps_nobody_waiting(serve: Serve) -> None:
    server = serve(OTEL_TRACES_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    with server.wait_until_ready().access() as api:
        for _ in range(3):
            assert api.post("/messages", json={"content": "Hello"}, timeout=10).status_code == 201
    assert server.stop() == 0
    assert "127.0.0.1" in server.output
    assert "Traceback" not in server.output
