"""Traces as OpenTelemetry has them: a tree of ours and of the `anthropic` package's, at a real receiver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.claude.client import Address, Claude, Patience
from app.claude.retries import Policy
from app.claude.simulator import Simulator
from app.errors import UpstreamOverloaded
from app.telemetry import origins, redaction, tracing
from app.telemetry.mirror import Mirror
from app.telemetry.origins import of_request
from app.telemetry.otel import Wish, for_claude
from app.telemetry.redaction import Redactor
from tests.receivers import CLIENT, ERROR, INTERNAL, OK, UNSET, Receiver, attributes_of, receiving

SECRET = "hunter2-of-old"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
UPSTREAM = "anthropic.messages.create"
SAID = {"text": f"My password is {SECRET}"}
BODY = {"model": "claude-sonnet-5-5", "max_tokens": 100}
Ask = Callable[..., list[Any]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@contextmanager
def mirroring(receiver: Receiver, content: str = "") -> Iterator[tuple[Mirror, Wish]]:
    wish = Wish(endpoint=receiver.url, content=content)
    mirror = Mirror(wish.address, Redactor([SECRET]), "1.0", shows_content=wish.shows_content)
    tracing.watch(mirror.opened)
    yield mirror, wish
    mirror.close()


@contextmanager
def asking(simulator: Simulator, mirror: Mirror, wish: Wish) -> Iterator[Ask]:
    """Asks Claude for an answer to a text, as the server does."""
    patience = Patience(5, 5, Policy(2, 5))
    claude = Claude(lambda: Address(simulator.base_url, "sk-ant-test-0123456789"), patience)
    claude.trace_with(for_claude(mirror, wish))

    def ask(text: str) -> list[Any]:
        messages = [{"role": "user", "content": [{"type": "text", "text": text}]}]
        return list(claude.stream({**BODY, "messages": messages}))

    yield ask
    claude.close()


def turn(ask: Ask, text: str = "Hello", outcome: str = tracing.OK) -> tracing.Span:
    """A turn as it is traced: the prompt is made, Claude is asked, a tool is called."""
    with origins.within(of_request("req_1", f"00-{TRACE}-{PARENT}-01", "rojo=1")):
        root = tracing.begin("turn", SAID)
    with tracing.within(root):
        with tracing.span("assemble", said={"text": SECRET}):
            pass
        root.about |= {"session_id": "ses_1", "message_id": "msg_1"}
        with tracing.span("claude", tracing.CLAUDE) as one:
            one.output = {"events": len(ask(text))}
        with tracing.span("clock", tracing.TOOL, {"zone": "UTC"}) as one:
            one.output = SECRET
    tracing.end(root, outcome, {"usage": {"input_tokens": 7, "cache_read_tokens": 3, "output_tokens": 5}})
    return root


def test_a_turn_is_one_tree_with_our_ids_below_the_span_that_called(
    receiver: Receiver, simulator: Simulator
) -> None:
    with mirroring(receiver) as (mirror, wish), asking(simulator, mirror, wish) as ask:
        root = turn(ask)
    assert sorted(one.name for one in receiver.spans) == [
        UPSTREAM,
        "assemble",
        "execute_tool clock",
        "invoke_agent colloquy",
    ]
    assert {one.trace_id.hex() for one in receiver.spans} == {TRACE}
    (top,) = receiver.wait_for("invoke_agent colloquy")
    assert (top.span_id.hex(), top.parent_span_id.hex(), top.trace_state) == (root.id, PARENT, "rojo=1")
    for one in receiver.spans:
        assert receiver.chain(one)[-1] == PARENT
        assert one is top or one.parent_span_id.hex() == root.id
        assert top.start_time_unix_nano <= one.start_time_unix_nano + 2_000_000
        assert one.end_time_unix_nano <= top.end_time_unix_nano + 2_000_000
        assert one.kind == (CLIENT if one.name == UPSTREAM else INTERNAL)
        assert attributes_of(one).get("gen_ai.conversation.id", "ses_1") == "ses_1"
    said = attributes_of(top)
    assert (said["gen_ai.operation.name"], said["gen_ai.conversation.id"]) == ("invoke_agent", "ses_1")
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (10, 5)
    tool = attributes_of(receiver.wait_for("execute_tool clock")[0])
    assert (tool["gen_ai.operation.name"], tool["gen_ai.tool.name"]) == ("execute_tool", "clock")
    assert receiver.resources[0]["service.name"] == "colloquy"


def test_the_call_to_claude_is_the_packages_own_span_with_its_usage_and_is_told_upstream(
    receiver: Receiver, simulator: Simulator
) -> None:
    with mirroring(receiver) as (mirror, wish), asking(simulator, mirror, wish) as ask:
        turn(ask)
    (upstream,) = receiver.wait_for(UPSTREAM)
    said = attributes_of(upstream)
    assert said["gen_ai.request.model"] == said["gen_ai.response.model"] == "claude-sonnet-5-5"
    assert said["gen_ai.conversation.id"] == "ses_1"
    assert said["gen_ai.usage.input_tokens"] > 0
    assert said["gen_ai.usage.output_tokens"] > 0
    assert said["anthropic.message.stop_reason"] == "end_turn"
    assert said["gen_ai.response.time_to_first_chunk"] > 0
    assert upstream.status.code == OK
    sent = simulator.requests[-1].headers
    assert sent["traceparent"] == f"00-{TRACE}-{upstream.span_id.hex()}-01"
    assert sent["tracestate"] == "rojo=1"


def test_each_try_is_a_span_and_what_failed_says_why(receiver: Receiver, simulator: Simulator) -> None:
    with mirroring(receiver) as (mirror, wish), asking(simulator, mirror, wish) as ask:
        with pytest.raises(UpstreamOverloaded):
            turn(ask, "[[fault: status=529]]")
        root = tracing.begin("turn")
        with tracing.within(root):
            for name, status in (("slow", tracing.TIMEOUT), ("stopped", tracing.CANCELLED)):
                with tracing.span(name, tracing.TOOL) as one:
                    one.fail(status, None)
        tracing.end(root, tracing.ERROR, {"error": "upstream_overloaded"})
    tries = receiver.wait_for(UPSTREAM, 2)
    assert [one.status.code for one in tries] == [ERROR] * 2
    assert {attributes_of(one)["error.type"] for one in tries} == {"overloaded_error"}
    found = {one.name: (one.status.code, attributes_of(one).get("error.type")) for one in receiver.spans}
    assert found["execute_tool slow"] == (ERROR, "timeout")
    assert found["execute_tool stopped"] == (UNSET, "cancelled")
    assert found["invoke_agent colloquy"] == (ERROR, "upstream_overloaded")


def test_what_is_said_is_exported_only_where_that_is_asked_for_and_secrets_never(
    receiver: Receiver, simulator: Simulator
) -> None:
    key = "clq_0123456789abcdefghijklmnop"
    for content in ("", "true"):
        with (
            mirroring(receiver, content) as (mirror, wish),
            asking(simulator, mirror, wish) as ask,
            redaction.knowing(Redactor([SECRET, key])),
        ):
            turn(ask, f"Whispered {SECRET} {key}")
        came = b"".join(receiver.bodies)
        assert SECRET.encode() not in came
        assert key.encode() not in came
        assert (b"Whispered" in came) == (b"My password is [secret]" in came) == bool(content)
        tool = attributes_of(receiver.wait_for("execute_tool clock")[-1])
        assert tool.get("gen_ai.tool.call.arguments") == ('{"zone": "UTC"}' if content else None)
        assert tool.get("gen_ai.tool.call.result") == ("[secret]" if content else None)


def test_a_span_hangs_where_the_trace_is_open_on_whatever_thread(receiver: Receiver) -> None:
    with mirroring(receiver):
        root = tracing.begin("turn")

        def work() -> None:
            with tracing.within(root), tracing.span("elsewhere"):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        tracing.end(root, tracing.OK, None)
    (one,) = receiver.wait_for("elsewhere")
    assert (one.parent_span_id.hex(), one.trace_id.hex()) == (root.id, root.trace_id)


def test_a_caller_who_does_not_sample_is_not_exported(receiver: Receiver) -> None:
    with mirroring(receiver):
        with origins.within(of_request("req_1", f"00-{TRACE}-{PARENT}-00")):
            root = tracing.begin("turn")
        tracing.end(root, tracing.OK, None)
    assert receiver.spans == []


def test_a_receiver_that_is_not_there_holds_nobody_up_and_leaves_nothing_running() -> None:
    before = set(threading.enumerate())
    mirror = Mirror("http://127.0.0.1:9/v1/traces", Redactor(), "1.0", shows_content=False)
    tracing.watch(mirror.opened)
    for _ in range(100):
        tracing.end(tracing.begin("turn"), tracing.OK, None)
    mirror.close()
    assert set(threading.enumerate()) <= before
