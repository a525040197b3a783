"""How long a prompt takes to make in a long session: from rows to values, and from values to the prompt."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import event

from app.context import Entry, assemble
from app.extensions import db
from app.models.base import now
from app.services import pasts, sessions, transfer, tree, turns
from app.services.counts import Owner
from app.services.identity import Caller
from app.services.models import window_of
from app.services.pasts import Known
from app.services.preparations import Draft
from app.services.settings import Wishes, settle
from app.services.transactions import reading
from bench.apps import caller_on
from bench.figures import percentile, table

BUDGETS = (8_000, 32_000, 100_000)
ROUNDS = 200
WORDS = ("the", "harbour", "was", "full", "of", "boats", "and", "nobody", "remembered", "which", "came")


def main(messages: int = 10_000) -> str:
    """A table: for each budget, what is kept of so many messages and the milliseconds at p50 and p95."""
    with tempfile.TemporaryDirectory() as folder, caller_on(f"sqlite:///{folder}/t.db") as caller:
        rows = [row for budget in BUDGETS for row in _measured(caller, messages, budget)]
    says = f"A session of {messages:,} messages of about 60 tokens on SQLite, {ROUNDS} times."
    names = ["budget", "messages kept", "what", "statements", "median, ms", "p95, ms"]
    return table("Making a prompt", says, names, rows)


def _measured(caller: Caller, messages: int, budget: int) -> Iterator[list[str]]:
    chat = transfer.import_(caller, {"context": {"budget_tokens": budget}}, list(_said(messages))).chat
    turns.finished(turns.start(caller, Draft(_text("And now?"), chat.id), "bench"))
    chat = sessions.get(caller, chat.id)
    ask = settle(Wishes(), chat)

    def _known() -> Known:
        with reading() as session:
            return pasts.known(session, tree.message_at(session, chat.head_id), window_of(ask.model), ask)

    known, owner = _known(), Owner(caller.user_id, chat.id)
    newest = [Entry("new", "user", _text("Which boat came first?"), depth=known.path[-1].depth + 1, at=now())]
    bare = replace(ask, recall_tokens=0)
    past = pasts.past_of(known, newest, owner)
    acts: dict[str, Callable[[], Any]] = {
        "assemble": lambda: assemble(past, bare, known.limits),
        "with recall": lambda: assemble(past, ask, known.limits),
        "with its rows": lambda: pasts.prompt_for(_known(), newest, ask, owner),
    }
    for name, act in acts.items():
        statements, times = _timed(act)
        figures = [f"{1_000 * percentile(times, share):.1f}" for share in (50, 95)]
        yield [f"{budget:,}", f"{len(known.path):,}", name, str(statements), *figures]


def _timed(act: Callable[[], Any]) -> tuple[int, list[float]]:
    """How many statements it runs, and the seconds it takes."""
    seen: list[str] = []

    def _note(*args: Any) -> None:
        seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", _note)
    act()
    event.remove(db.engine, "before_cursor_execute", _note)
    gc.collect()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return len(seen), times


def _said(messages: int) -> Iterator[dict[str, Any]]:
    for at in range(messages):
        words = (WORDS[(at * 7 + step * 3) % len(WORDS)] for step in range(30))
        yield {"role": "assistant" if at % 2 else "user", "content": _text(f"{at}: {' '.join(words)}")}


def _text(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}]


if __name__ == "__main__":
    print(main())
