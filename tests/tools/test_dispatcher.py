"""The one door."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.claude.stop import Stop
from app.telemetry import redaction, tracing
from app.telemetry.redaction import Redactor
from app.telemetry.tracing import Span
from app.tools.dispatcher import call, use, use_all
from app.tools.functions import tool_of
from app.tools.values import Call, Limits, Result, Scene, Tool, ToolFailed

SECRET = "hunter2-the-password"
LIMITS = Limits(seconds=5, sent_characters=100, kept_characters=1_000)
ANYTHING = {"type": "object"}


def acting(act: Callable[[Mapping[str, Any], Scene], Any], name: str = "act", **more: Any) -> dict[str, Tool]:
    return {name: Tool(name, "Acts.", more.pop("schema", ANYTHING), act, **more)}


def traced(
    tools: Mapping[str, Tool], *calls: Call, stop: Stop | None = None
) -> tuple[list[Result], list[Span]]:
    """The results, and the spans below the root."""
    root = tracing.begin("turn")
    with tracing.within(root), redaction.knowing(Redactor([SECRET])):
        results = use_all(tools, calls, Scene("usr_1", "ses_1", "msg_1", stop or Stop()), LIMITS)
    return results, root.children


def used(
    act: Callable[[Mapping[str, Any], Scene], Any], given: Any = None, **more: Any
) -> tuple[Result, Span]:
    (result,), (span,) = traced(acting(act, **more), Call("toolu_1", "act", given or {}))
    assert (span.name, span.kind, span.status, span.ms) == ("act", "tool", result.status, result.ms)
    assert span.ms > 0
    assert result.is_error == (result.status != "ok")
    return result, span


def failing(error: Exception) -> Callable[..., Any]:
    def act(*_: Any) -> None:
        raise error

    return act


def test_a_function_of_the_servers_own_is_traced() -> None:
    root = tracing.begin("turn")
    with tracing.within(root):
        assert call("count", lambda: [1, 2], said={"of": "x"}, told=len) == [1, 2]
        with pytest.raises(KeyError):
            call("fail", lambda: {}["x"])
    assert [(one.name, one.kind, one.status, one.input, one.output) for one in root.children] == [
        ("count", "server", "ok", {"of": "x"}, 2),
        ("fail", "server", "error", None, {"error": "KeyError", "detail": "'x'"}),
    ]


def test_a_tool_is_called_with_what_claude_gave_for_whom_it_is() -> None:
    def act(given: Mapping[str, Any], scene: Scene) -> Any:
        return {"given": given, "user": scene.user_id}

    result, span = used(act, {"day": "Monday"})
    assert result.as_block == {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": '{"given": {"day": "Monday"}, "user": "usr_1"}',
    }
    assert span.input == {"day": "Monday"}
    assert span.output == result.content


def test_blocks_stay_blocks_and_nothing_is_an_empty_text() -> None:
    blocks = [{"type": "text", "text": "Hello"}]
    assert used(lambda *_: blocks)[0].content == blocks
    assert used(lambda *_: None)[0].content == ""


def test_claude_is_sent_the_beginning_and_the_end_and_the_trace_keeps_more() -> None:
    result, span = used(lambda *_: "a" * 300 + "b" * 300)
    assert result.content == f"{'a' * 50}\n[… 500 characters left out …]\n{'b' * 50}"
    assert span.output == "a" * 300 + "b" * 300
    result, span = used(lambda *_: "a" * 5_000)
    assert result.content == f"{'a' * 50}\n[… 4,900 characters left out …]\n{'a' * 50}"
    assert span.output == f"{'a' * 500}\n[… 4,000 characters left out …]\n{'a' * 500}"


def test_what_does_not_fit_the_schema_is_refused_before_the_call() -> None:
    called = list[int]()
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}}
    result, span = used(lambda *_: called.append(1), {"count": "three"}, schema=schema)
    assert result.content == (
        'The arguments are wrong: count: it is not of type "integer". Correct them and call again.'
    )
    assert result.as_block["is_error"] is True
    assert span.status == "error"
    assert called == []


def test_a_tool_that_is_not_there_is_an_error_that_names_no_other() -> None:
    (result,), (span,) = traced(acting(lambda *_: None, "hidden"), Call("toolu_1", "nothing", {"a": 1}))
    assert result.is_error
    assert "no tool of this name" in str(result.content)
    assert "hidden" not in str(result.content)
    assert (span.name, span.status, span.input) == ("nothing", "error", {"a": 1})


def test_a_tool_says_in_its_own_words_why_it_could_not() -> None:
    result, span = used(failing(ToolFailed("The table is taken.")))
    assert (result.content, result.is_error) == ("The table is taken.", True)
    assert (span.status, span.output) == ("error", "The table is taken.")


def test_any_other_error_is_told_in_brief_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    result, span = used(failing(KeyError("x" * 5_000)))
    assert str(result.content).startswith("KeyError: 'xxx")
    assert len(str(span.output)) == 500
    assert "Traceback" not in str(span.output)
    assert "a tool failed" in caplog.text


def test_what_is_no_json_is_an_error() -> None:
    result, _ = used(lambda *_: object())
    assert result.content == "TypeError: Object of type object is not JSON serializable"


def test_one_that_takes_too_long_is_given_up() -> None:
    began_at = time.monotonic()
    result, span = used(lambda _, scene: scene.stop.wait(30), time_limit_seconds=0.2)
    assert time.monotonic() - began_at < 5
    assert (result.status, result.is_error) == ("timeout", True)
    assert result.content == "The call took longer than 0.2 seconds and was given up."
    assert 200 <= span.ms < 5_000


def test_one_whose_turn_is_cancelled_is_given_up_and_the_next_does_not_begin() -> None:
    stop, called = Stop(), list[str]()

    def act(given: Mapping[str, Any], scene: Scene) -> None:
        called.append(given["name"])
        stop.set("cancelled")
        scene.stop.wait(30)

    calls = [Call(name, "act", {"name": name}) for name in ("first", "second")]
    results, spans = traced(acting(act, is_parallel=False), *calls, stop=stop)
    assert [one.status for one in results] == [one.status for one in spans] == ["cancelled", "cancelled"]
    assert called == ["first"]


def test_a_secret_is_masked_wherever_it_comes_from() -> None:
    result, span = used(lambda given, _: {"echo": given["text"]}, {"text": f"My key is {SECRET}!"})
    assert result.content == '{"echo": "My key is [secret]!"}'
    assert SECRET not in str(span.as_json())
    blocks = [{"type": "text", "text": SECRET}]
    assert used(lambda *_: blocks)[0].content == [{"type": "text", "text": "[secret]"}]
    for error in (
        ValueError(f"for {SECRET}"),
        ToolFailed(f"at postgresql://ada:{SECRET}@db, sk-ant-abcdefgh"),
    ):
        result, span = used(failing(error))
        assert "[secret]" in str(result.content)
        assert SECRET not in f"{result.content} {span.as_json()}"
        assert "sk-ant-abcdefgh" not in f"{result.content} {span.as_json()}"


def test_a_secret_that_the_cut_would_split_is_masked_whole() -> None:
    result, span = used(lambda *_: "a" * 40 + SECRET + "b" * 5_000)
    assert "hunter2" not in f"{result.content} {span.output}"


def test_the_tool_is_given_what_claude_gave_and_not_the_mask() -> None:
    given = list[Any]()
    used(lambda arguments, _: given.append(dict(arguments)), {"text": SECRET})
    assert given == [{"text": SECRET}]


def test_several_are_called_at_once_each_with_a_span_and_in_the_order_of_the_calls() -> None:
    together = threading.Barrier(3)

    def act(given: Mapping[str, Any], _: Scene) -> str:
        together.wait(5)
        call("look", lambda: None)
        time.sleep(0.03 * (3 - given["number"]))
        return f"{given['number']} {SECRET}"

    calls = [Call(f"toolu_{number}", "act", {"number": number}) for number in range(3)]
    results, spans = traced(acting(act), *calls)
    assert [one.content for one in results] == ["0 [secret]", "1 [secret]", "2 [secret]"]
    assert [one.as_block["tool_use_id"] for one in results] == ["toolu_0", "toolu_1", "toolu_2"]
    assert sorted(one.input["number"] for one in spans) == [0, 1, 2]
    assert [[inner.name for inner in one.children] for one in spans] == [["look"]] * 3


def test_where_one_must_be_alone_they_go_one_after_another() -> None:
    at_work, most = list[int](), list[int]()

    def act(given: Mapping[str, Any], _: Scene) -> None:
        at_work.append(given["number"])
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.remove(given["number"])

    tools = acting(act) | acting(act, "alone", is_parallel=False)
    calls = [
        Call(str(number), name, {"number": number}) for number, name in enumerate(["act", "alone", "act"])
    ]
    _, spans = traced(tools, *calls)
    assert most == [1, 1, 1]
    assert [one.input["number"] for one in spans] == [0, 1, 2]


def test_without_a_trace_or_a_redactor_it_works_as_well() -> None:
    def shout(text: str) -> str:
        """Say it loud."""
        return text.upper()

    tools = {"shout": tool_of(shout)}
    calls = [Call("a", "shout", {"text": "hey"}), Call("b", "shout", {"text": "ho"})]
    assert [one.content for one in use_all(tools, calls, Scene("u", "s", "m"), Limits())] == ["HEY", "HO"]
    assert use(tools, calls[0], Scene("u", "s", "m"), Limits()).content == "HEY"
    assert use_all(tools, [], Scene("u", "s", "m"), Limits()) == []
