"""Origins: what a caller's `traceparent` says, where it says anything."""

from __future__ import annotations

import re
from contextvars import Context

import pytest

from app.telemetry import origins, tracing
from app.telemetry.origins import Origin, of_request

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_the_callers_trace_goes_on() -> None:
    found = of_request("req_1", f" 00-{TRACE}-{PARENT}-01 ", "rojo=1")
    assert found == Origin("req_1", TRACE, PARENT, is_sampled=True, state="rojo=1")
    assert not of_request("req_1", f"00-{TRACE}-{PARENT}-00").is_sampled
    assert of_request("req_1", f"cc-{TRACE}-{PARENT}-01-what-comes-later").trace_id == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
    ],
)
def test_what_is_no_traceparent_counts_as_none(header: str) -> None:
    one, other = of_request("req_1", header, "rojo=1"), of_request("req_1", header)
    assert re.fullmatch("[0-9a-f]{32}", one.trace_id)
    assert one.trace_id not in {other.trace_id, TRACE, "0" * 32}
    assert (one.parent_id, one.state) == ("", "")


def test_a_trace_is_of_the_request_that_began_it() -> None:
    Context().run(_begin_and_look)


def _begin_and_look() -> None:
    origin = of_request("req_1", f"00-{TRACE}-{PARENT}-01")
    with origins.within(origin):
        root = tracing.begin("turn")
    assert (root.trace_id, origins.at_work(), tracing.origin()) == (TRACE, None, None)
    with tracing.within(root), tracing.span("deep") as one, tracing.span("deeper") as two:
        assert one.trace_id == two.trace_id == TRACE
        assert tracing.origin() == origin, "also on a thread that only knows the trace"


def test_watchers_see_roots_begin_and_end_once() -> None:
    seen: list[str] = []

    def opened(one: tracing.Span) -> tracing.Closed:
        seen.append(f"{one.name} begins")
        return lambda one: seen.append(f"{one.name} ends {one.status}")

    tracing.watch(opened)
    root = tracing.begin("turn")
    tracing.end(root, tracing.OK, None)
    tracing.end(root, tracing.ERROR, None)
    tracing.unwatch(opened)
    assert seen == ["turn begins", "turn ends ok"]
