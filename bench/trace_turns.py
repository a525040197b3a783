"""`python -m bench.trace_turns URL ROUNDS`: how long a turn's trace takes to make and to store.

The traces are those of real turns: all their spans are opened and closed again, and stored in a transaction
that writes more, beside the same transaction alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import update

from app.models.base import now
from app.models.sessions import ChatSession
from app.services import sessions, traces, transfer
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.traces import About
from app.services.transactions import writing
from app.telemetry import tracing
from app.telemetry.tracing import OK, OWN
from app.telemetry.trees import Tree, walk
from bench.apps import caller_on, say
from bench.figures import percentile

CALLS = '[[reply: tool=calculate input={"expression": "6 * 7"}]] [[reply: rounds=3]]'
TURNS = {"a plain turn": "Hello", "a turn with three calls of a tool": CALLS}


def main(database_url: str, rounds: int) -> None:
    """Print, for each kind of turn, its spans, and milliseconds at p50 and p95: see `_timed`."""
    with caller_on(database_url) as caller:
        found = {}
        for name, text in TURNS.items():
            chat = sessions.create(caller, {"tools": ["calculate"]}).chat
            tree = traces.of_message(caller, say(caller, text, chat.id)).spans
            found[name] = [sum(1 for _ in walk(tree)), *_timed(caller, tree, rounds)]
    print(json.dumps(found))


def _timed(caller: Caller, tree: Tree, rounds: int) -> Sequence[Sequence[float]]:
    """Of the transaction alone, of all that is done with the trace, and of what of that is the trace's."""
    alone, whole, of_trace = list[float](), list[float](), list[float]()
    for about in _messages(caller, rounds):
        alone.append(_seconds(partial(_write, about, lambda _: None)))
        spent = list[float]()
        whole.append(_seconds(partial(_trace, about, tree, spent)))
        of_trace.append(sum(spent))
    return [[percentile(some, at) * 1000 for at in (50, 95)] for some in (alone, whole, of_trace)]


def _trace(about: About, tree: Tree, spent: list[float]) -> None:
    began = time.perf_counter()
    root = tracing.begin(tree["name"], tree["input"])
    with tracing.within(root):
        _open_all(tree["children"])
    tracing.end(root, OK, tree["output"])
    spent.append(time.perf_counter() - began)
    _write(about, lambda session: spent.append(_seconds(lambda: traces.store(session, root, about))))


def _open_all(children: Sequence[Tree]) -> None:
    for one in children:
        if one["name"] != OWN:  # which a span adds itself
            has_own_work = any(child["name"] == OWN for child in one["children"])
            with tracing.span(one["name"], one["kind"], one["input"], has_own_work=has_own_work) as span:
                _open_all(one["children"])
                span.output = one["output"]


def _write(about: About, act: Callable[[Any], None]) -> None:
    touched = update(ChatSession).where(ChatSession.id == about.session_id).values(updated_at=now())
    with writing() as session:
        session.execute(touched)
        act(session)


def _messages(caller: Caller, count: int) -> Iterator[About]:
    """New messages that have no trace yet."""
    said = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}] * count
    session_id = transfer.import_(caller, {}, said).chat.id
    page = sessions.tree_page(caller, session_id, Ask(count))
    return (About(one.id, session_id, caller.user_id, "bench") for one in page.rows)


def _seconds(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
