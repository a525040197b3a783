"""Traces: what a span says of a call, whatever becomes of it, on any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotFound, UpstreamTimeout
from app.telemetry import tracing
from app.telemetry.tracing import CANCELLED, ERROR, OK, OWN, TIMEOUT, TOOL, TURN, Span

LENGTHS = st.lists(st.tuples(st.floats(0, 900), st.floats(0.1, 500)), max_size=8)


@pytest.fixture
def root() -> Iterator[Span]:
    """A trace at work."""
    one = tracing.begin("turn", {"content": "Hello"})
    with tracing.within(one):
        yield one


def shape(one: Span) -> tuple[str, list[object]]:
    return one.name, [shape(child) for child in one.children]


def nap(seconds: float = 0.01) -> None:
    time.sleep(seconds)


def test_spans_are_children_of_the_one_they_are_opened_within(root: Span) -> None:
    with tracing.span("assemble"), tracing.span("count"):
        assert tracing.at_work().name == "count"  # type: ignore[union-attr]
    with tracing.span("fetch", TOOL, {"url": "x"}) as call:
        call.output = "page"
    tracing.end(root, OK, {"text": "Hi"})
    assert tracing.at_work() is root
    assert shape(root) == ("turn", [("assemble", [("count", [])]), ("fetch", []), ("own", [])])
    assert (root.kind, root.input, root.output) == (TURN, {"content": "Hello"}, {"text": "Hi"})
    assert (call.kind, call.input, call.output, call.status) == (TOOL, {"url": "x"}, "page", OK)
    assert {one.trace_id for one in (root, *root.children[:-1])} == {root.trace_id}
    assert len(root.trace_id) == 32
    assert len({one.id for one in (root, *root.children)}) == 4


def test_without_a_trace_nothing_is_kept_and_the_block_runs() -> None:
    assert tracing.at_work() is None
    with tracing.span("alone") as one:
        pass
    assert one.ms > 0
    assert tracing.at_work() is None


def test_times_are_those_of_the_block_and_add_up(root: Span) -> None:
    with tracing.span("outer"):
        for _ in range(3):
            with tracing.span("inner"):
                nap(0.02)
    tracing.end(root, OK, None)
    outer, own = root.children
    assert (own.name, own.ms) == ("own", pytest.approx(root.ms - outer.ms, abs=0.01))
    assert outer.ms >= 60
    assert sum(one.ms for one in outer.children) == pytest.approx(outer.ms, rel=0.02)
    assert all(one.started_at >= outer.started_at for one in outer.children)


@pytest.mark.parametrize(
    ("error", "status", "output"),
    [
        (ValueError("no such city"), ERROR, {"error": "ValueError", "detail": "no such city"}),
        (
            NotFound("You have no session ses_x."),
            ERROR,
            {"error": "not_found", "detail": "You have no session ses_x."},
        ),
        (TimeoutError("too slow"), TIMEOUT, {"error": "TimeoutError", "detail": "too slow"}),
        (UpstreamTimeout("Claude"), TIMEOUT, {"error": "upstream_timeout", "detail": "Claude"}),
        (SystemExit(1), CANCELLED, None),
    ],
)
def test_an_error_is_told_by_its_span_once_and_goes_on(
    root: Span, error: BaseException, status: str, output: object
) -> None:
    with pytest.raises(type(error)), tracing.span("outer"), tracing.span("inner"):
        raise error
    (outer,) = root.children
    assert [(one.status, one.output) for one in (outer, *outer.children)] == [(status, output)] * 2
    assert tracing.at_work() is root


def test_what_a_span_said_of_its_failure_stays(root: Span) -> None:
    with suppress(ValueError), tracing.span("call") as one:
        one.fail(TIMEOUT, "30 s are over")
        raise ValueError("late")
    assert (one.status, one.output) == (TIMEOUT, "30 s are over")


def test_an_error_is_told_in_short(root: Span) -> None:
    assert len(tracing.described(ValueError("x" * 10_000))["detail"]) == 2_000


def on_threads(acts: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def test_threads_have_no_trace_until_they_are_told_one(root: Span) -> None:
    def call(name: str) -> None:
        with tracing.span(name):
            nap()

    def told(of: Span, name: str) -> None:
        with tracing.within(of):
            call(name)
        assert tracing.at_work() is None

    with tracing.span("tools") as tools:
        on_threads([lambda at=at: told(tools, f"call {at}") for at in range(50)] + [lambda: call("stray")])  # type: ignore[misc]
    assert {one.name for one in tools.children} == {f"call {at}" for at in range(50)}
    assert len(tools.children) == 50
    assert root.children == [tools]


def test_what_begins_after_its_parent_has_ended_is_not_of_its_trace(root: Span) -> None:
    with tracing.span("call") as call:
        pass
    with tracing.within(call), tracing.span("late") as late:
        pass
    assert call.children == []
    assert late.ms > 0


def test_calls_within_calls_are_kept_to_a_depth_that_can_be_read(root: Span) -> None:
    def nest(levels: int) -> None:
        with tracing.span("call"):
            if levels:
                nest(levels - 1)

    nest(200)
    one, depth = root, 0
    while one.children:
        (one,), depth = one.children, depth + 1
    assert depth == tracing.DEEPEST


def test_what_is_open_when_a_trace_is_stored_was_given_up(root: Span) -> None:
    go_on = threading.Event()

    def hang(of: Span) -> None:
        with tracing.within(of), tracing.span("inner") as inner:
            go_on.wait(5)
            inner.output = "too late"

    with tracing.span("call", TOOL) as call:
        thread = threading.Thread(target=hang, args=(call,))
        thread.start()
        nap(0.03)
        call.fail(TIMEOUT, None)
    nap(0.05)
    shown = root.as_json()
    go_on.set()
    thread.join()
    (outer,) = shown["children"]
    (inner,) = outer["children"]
    assert (shown["status"], outer["status"], inner["status"]) == (CANCELLED, TIMEOUT, CANCELLED)
    assert 0 < inner["ms"] <= outer["ms"], "no longer than its parent"
    assert shown["ms"] >= 80


def test_a_tree_is_shown_with_its_fields_in_order(root: Span) -> None:
    with tracing.span("count"):
        pass
    tracing.end(root, OK, "Hi")
    shown = root.as_json()
    names = ["name", "kind", "started_at", "ms", "status", "input", "output", "children"]
    assert list(shown) == list(shown["children"][0]) == names
    assert shown["started_at"].endswith("Z")
    assert shown["ms"] == root.ms


def test_own_work_is_a_child_where_calls_come_between_it(root: Span) -> None:
    with tracing.span("listen", has_own_work=True) as listen:
        nap(0.03)
        with tracing.span("store"):
            nap(0.02)
        nap(0.03)
    assert [one.name for one in listen.children] == ["store", OWN]
    assert listen.children[1].ms >= 60
    assert sum(one.ms for one in listen.children) == pytest.approx(listen.ms, rel=0.02)


def test_a_span_without_calls_has_no_child_for_its_own_work(root: Span) -> None:
    with tracing.span("count", has_own_work=True) as one:
        nap()
    assert one.children == []


@given(LENGTHS)
def test_own_work_is_the_time_that_no_child_took_however_they_overlap(
    lengths: list[tuple[float, float]],
) -> None:
    children = [Span(str(at), began=100 + at / 1000, ms=ms) for at, ms in lengths]
    one = Span("all", began=100, ms=1_000, children=children)
    ticks = [tick for tick in range(1_000) if not any(at <= tick < at + ms for at, ms in lengths)]
    assert tracing.own_ms(one) == pytest.approx(len(ticks), abs=2 * len(lengths) + 1)


def test_who_watches_is_told_of_each_span_when_it_opens_and_when_it_has_closed(root: Span) -> None:
    told: list[tuple[str, str, float]] = []

    def closed(one: Span) -> None:
        told.append(("closed", one.name, one.ms))

    def opened(one: Span) -> tracing.Closed | None:
        told.append(("opened", one.name, one.ms))
        return closed if one.kind == TOOL else None

    tracing.watch(opened)
    try:
        with tracing.span("assemble"), pytest.raises(ValueError, match="x"), tracing.span("fetch", TOOL):
            raise ValueError("x")
        with tracing.within(None), tracing.span("of no trace"):
            pass
    finally:
        tracing.unwatch(opened)
    with tracing.span("unwatched"):
        pass
    assert [one[:2] for one in told] == [("opened", "assemble"), ("opened", "fetch"), ("closed", "fetch")]
    assert [one[2] > 0 for one in told] == [False, False, True]


def test_a_span_costs_little(root: Span) -> None:
    began = time.process_time()
    for _ in range(2_000):
        with tracing.span("call"):
            pass
    assert time.process_time() - began < 0.4, "200 µs each, with much to spare"


def test_what_is_refused_before_the_turn_has_begun_ends_its_trace() -> None:
    root = tracing.begin("turn")
    with pytest.raises(ValueError, match="no"), tracing.ending_on_error(root):
        raise ValueError("no")
    assert (root.is_open, root.status, root.output) == (False, ERROR, {"error": "ValueError", "detail": "no"})
    other = tracing.begin("turn")
    with tracing.ending_on_error(other):
        pass
    assert other.is_open
