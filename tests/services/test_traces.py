"""Traces in the database: stored with their turn, found by their owner, gone in time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.errors import NotFound
from app.extensions import parts, redactor
from app.models.base import now
from app.models.sessions import ChatSession
from app.models.traces import Trace, TraceCall
from app.services import branches, erasure, leases, messages, sessions, traces, transfer
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.traces import Wanted
from app.services.transactions import reading, writing
from app.telemetry import redaction
from app.telemetry.tracing import CANCELLED, ERROR, OK, TIMEOUT, Span
from tests.services.conftest import say
from tests.traces import BEGAN, about, of_real_calls, store, tool, turn

NEWEST_FIRST = Ask(is_descending=True)
DAY = timedelta(days=1)


@pytest.fixture
def keep(app: Flask) -> Iterator[Callable[[float], None]]:
    """Sets for how many days traces are kept."""
    of = app.extensions["colloquy"]
    before = of.config
    yield lambda days: setattr(of, "config", replace(before, traces_kept_days=days))
    of.config = before


def told(caller: Caller, count: int = 1, *texts: str) -> list[str]:
    """So many messages of a new session; their ids."""
    said = [
        {"role": ("user", "assistant")[at % 2], "content": [{"type": "text", "text": f"{at}"}]}
        for at in range(count)
    ]
    session_id = transfer.import_(caller, {}, said).chat.id
    return [one.id for one in sessions.tree_page(caller, session_id, Ask(200)).rows]


def found(caller: Caller, **wanted: Any) -> list[str]:
    """The messages whose traces are found, the newest first."""
    return [one.message_id for one in traces.find(caller, Wanted(**wanted), NEWEST_FIRST).rows]


def counted(table: Any) -> int:
    with reading() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def test_a_trace_is_stored_whole_and_read_by_message_and_by_id(ada: Caller) -> None:
    _, answer = say(ada, "Hello")
    root = of_real_calls()
    id_ = store(answer.id, root)
    trace = traces.of_message(ada, answer.id)
    assert trace.spans == root.as_json()
    assert (trace.id, trace.message_id, trace.session_id) == (id_, answer.id, answer.session_id)
    assert (trace.name, trace.status, trace.ms, trace.trace_id) == ("turn", OK, root.ms, root.trace_id)
    assert (trace.user_id, trace.request_id, trace.started_at) == (ada.user_id, "req_test", root.started_at)
    for one in (traces.get(ada, id_), traces.named(id_), traces.named(answer.id)):
        assert traces.shown(one) == traces.shown(trace)
    shown = traces.shown(trace)
    assert [shown[name] for name in ("id", "message_id", "name", "output")] == [
        id_,
        answer.id,
        "turn",
        {"text": "Hi"},
    ]


def test_a_later_trace_of_a_message_takes_the_place_of_the_one_before(ada: Caller) -> None:
    (message_id,) = told(ada)
    partial = turn(tool("clock"), tool("fetch"), ms=0.0, started_at=BEGAN)
    first = store(message_id, partial)
    assert traces.get(ada, first).status == CANCELLED
    second = store(message_id, turn(tool("fetch", ERROR), ms=50.0, started_at=BEGAN))
    assert second == first
    assert (traces.get(ada, first).status, traces.get(ada, first).ms) == (OK, 50.0)
    assert (counted(Trace), counted(TraceCall)) == (1, 1)
    assert (found(ada, tool="clock"), found(ada, tool="fetch")) == ([], [message_id])


def test_it_is_stored_with_its_turn_or_not_at_all(ada: Caller) -> None:
    (message_id,) = told(ada)
    of = about(message_id)
    with suppress(ZeroDivisionError), writing() as session:
        traces.store(session, of_real_calls(), of)
        raise ZeroDivisionError
    assert (counted(Trace), counted(TraceCall)) == (0, 0)


def test_only_its_owner_reads_it(ada: Caller, bob: Caller) -> None:
    (message_id,) = told(ada)
    id_ = store(message_id)
    for read in (
        lambda: traces.get(bob, id_),
        lambda: traces.of_message(bob, message_id),
        lambda: traces.get(ada, "trc_x"),
        lambda: traces.of_message(ada, "msg_x"),
        lambda: traces.named("trc_x"),
    ):
        with pytest.raises(NotFound):
            read()
    for wanted in ({}, {"tool": "fetch"}, {"message_id": message_id}):
        assert found(bob, **wanted) == []
        assert found(ada, **wanted) == [message_id]


def test_why_there_is_no_trace_is_said(ada: Caller, keep: Callable[[float], None]) -> None:
    asked, answer = told(ada, 2)
    for message_id, days, says in (
        (asked, 30, "was not made in a turn"),
        (answer, 30, "traces are kept for 30 days"),
        (answer, 0, "is kept: copies"),
    ):
        keep(days)
        with pytest.raises(NotFound, match=says):
            traces.of_message(ada, message_id)
    with writing() as session:
        messages.own(session, ada, answer).status = "running"
    with pytest.raises(NotFound, match="is being made"):
        traces.of_message(ada, answer)


def test_with_a_tool_status_and_length_are_those_of_one_of_its_calls(ada: Caller) -> None:
    slow, failed, both, none = told(ada, 4)
    store(slow, turn(tool("fetch", ms=900), tool("clock", ERROR), started_at=BEGAN))
    store(failed, turn(tool("fetch", ERROR, ms=5), started_at=BEGAN + DAY))
    inner = Span("round", ms=950.0, children=[tool("fetch", ERROR, ms=900), tool("fetch", ms=1)])
    store(both, turn(inner, ms=1_000.0, status=ERROR, started_at=BEGAN + 2 * DAY))
    store(none, turn(Span("fetch", ms=900.0), status=TIMEOUT, started_at=BEGAN + 3 * DAY))
    assert found(ada) == [none, both, failed, slow]
    assert found(ada, tool="fetch") == [both, failed, slow], "each once; what is no tool is none"
    assert found(ada, tool="fetch", status=ERROR) == [both, failed]
    assert found(ada, tool="fetch", least_ms=900) == [both, slow]
    assert found(ada, tool="fetch", status=ERROR, least_ms=100) == [both]
    assert found(ada, tool="fetch", status=OK, least_ms=901) == []
    assert found(ada, tool="clock", status=OK) == []
    assert found(ada, status=ERROR) == [both]
    assert found(ada, status=OK, least_ms=100.5) == []
    assert found(ada, least_ms=100.5) == [both]


def test_they_are_found_by_session_message_and_time(ada: Caller) -> None:
    early, late = told(ada, 2)
    (elsewhere,) = told(ada)
    for number, message_id in enumerate((early, late, elsewhere)):
        store(message_id, turn(tool("fetch"), started_at=BEGAN + number * DAY))
    with reading() as session:
        session_id = messages.own(session, ada, early).session_id
    for more in ({}, {"tool": "fetch"}):
        assert found(ada, session_id=session_id, **more) == [late, early]
        assert found(ada, message_id=late, **more) == [late]
        assert found(ada, since=BEGAN + DAY, **more) == [elsewhere, late]
        assert found(ada, until=BEGAN + DAY, **more) == [early]
        assert found(ada, since=BEGAN + DAY, until=BEGAN + 2 * DAY, **more) == [late]
    assert found(ada, since=BEGAN.replace(year=1), until=BEGAN.replace(year=9999)) == [elsewhere, late, early]


@pytest.mark.parametrize("is_descending", [True, False])
def test_pages_join_to_the_whole_also_where_a_turn_called_a_tool_twice(
    ada: Caller, is_descending: bool
) -> None:
    ids = told(ada, 7)
    for number, message_id in enumerate(ids):
        calls = [tool("fetch")] * (number % 3)
        store(message_id, turn(*calls, started_at=BEGAN + number * DAY))
    wanted = [one for number, one in enumerate(ids) if number % 3]
    for of, expected in ((Wanted(), ids), (Wanted(tool="fetch"), wanted)):
        seen, ask = list[str](), Ask(2, is_descending)
        while True:
            page = traces.find(ada, of, ask)
            seen += [one.message_id for one in page.rows]
            if page.next_key is None:
                break
            ask = Ask(2, is_descending, page.next_key)
        assert seen == (expected[::-1] if is_descending else expected)


def test_secrets_are_masked_the_servers_and_the_callers(ada: Caller) -> None:
    (message_id,) = told(ada)
    mine = "clq_" + "k" * 40
    known = parts().config.anthropic_api_key
    call = tool("fetch", ERROR, input={"key": known}, output={"detail": f"{mine} sk-ant-unknown-0123456789"})
    with redaction.knowing(redactor().beside(mine)):
        store(message_id, turn(call, output=[mine, known]))
    text = json.dumps(traces.of_message(ada, message_id).spans)
    assert not any(one in text for one in (mine, known, "sk-ant-unknown"))
    assert text.count(redaction.MASK) == 5


def test_what_no_database_keeps_as_text_breaks_nothing(ada: Caller) -> None:
    (message_id,) = told(ada)
    odd = "a\0b \ud800 \udfff \U0001f600 \x1b[31m"
    store(message_id, turn(tool(odd, input={odd: odd}, output=odd), output=float("nan")))
    trace = traces.of_message(ada, message_id)
    (call,) = trace.spans["children"]
    assert call["output"] == "a\0b ? ? \U0001f600 \x1b[31m"
    assert found(ada, tool=call["name"]) == [message_id]
    assert trace.spans["output"] == "nan"


def test_a_trace_is_bounded(ada: Caller) -> None:
    (message_id,) = told(ada)
    calls = [tool("fetch", output="x" * 990_000) for _ in range(12)]
    store(message_id, turn(*calls, tool("fetch", output="y" * 1_500_000)))
    spans = traces.of_message(ada, message_id).spans
    assert len(json.dumps(spans)) <= 4_000_000
    assert len(spans["children"]) == 13
    assert sum(len(one["output"]) > 900_000 for one in spans["children"]) == 4


def test_it_goes_with_its_message_its_session_and_its_person(ada: Caller, bob: Caller) -> None:
    ids, (alone,), (his,) = told(ada, 4), told(ada), told(bob)
    for message_id in (*ids, alone, his):
        store(message_id)
    branches.cut_off(ada, ids[1], lambda _: True)
    assert set(found(ada)) == {ids[0], alone}
    with reading() as session:
        session_id = messages.own(session, ada, alone).session_id
    assert sessions.remove(ada, session_id, lambda _: True).erased["traces"] == 1
    assert found(ada) == [ids[0]]
    with writing() as session:
        erased = erasure.of_person(session, ada.user_id)
    assert erasure.finish(erased).erased["traces"] == 1
    assert found(bob) == [his]
    assert (counted(Trace), counted(TraceCall)) == (1, 1)


def test_old_traces_are_let_go_and_nothing_else(ada: Caller, keep: Callable[[float], None]) -> None:
    ids = told(ada, 45)
    for number, message_id in enumerate(ids):
        store(message_id, turn(tool("fetch"), started_at=now() - DAY * (number % 3)))
    keep(0)
    leases.prune()
    assert len(found(ada)) == 45
    keep(1e300)
    traces.prune()
    assert len(found(ada)) == 45
    keep(1.5)
    leases.prune()
    assert len(found(ada)) == counted(TraceCall) == 30
    with reading() as session:
        assert session.scalar(select(ChatSession.messages).where(ChatSession.user_id == ada.user_id)) == 45
