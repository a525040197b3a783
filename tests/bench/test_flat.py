"""Long histories are filled in as the server would write them, and what is counted is what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text

from app.services import messages, sessions, users
from app.services.identity import Caller, identify
from app.services.pages import Ask
from bench.apps import say
from bench.flat import counting, filling
from bench.flat.counting import counted
from bench.flat.tables import Measured, ratios, reads_table, turns_table
from bench.flat.texts import WORDS, Speaker, word_at

COSTS = {"statements": 40, "rows": 70, "read_bytes": 1024, "written_bytes": 2048, "cpu_ms": 2.0, "ms": 3.0}


@pytest.fixture(scope="module")
def eve(app: object) -> Iterator[Caller]:
    """Somebody new, in an app context."""
    with app.app_context():  # type: ignore[attr-defined]
        yield identify(users.add_key(users.add("Eve").id, "test")[1])


def test_a_filled_session_is_read_searched_and_continued(eve: Caller) -> None:
    before = filling.count_messages()
    session_id = filling.add_session(eve.user_id, 30, 8, Speaker(1))
    filling.finish()
    path = sessions.path_page(eve, session_id, Ask(100)).rows
    assert [one.depth for one in path] == list(range(30))
    word = path[4].content[0]["text"].split()[0]
    found = messages.search(eve, word, session_id, Ask(100)).rows
    assert path[4].id in {one.message.id for one in found}
    answer = say(eve, "And then?", session_id)
    assert sessions.path_page(eve, session_id, Ask(100)).rows[-1].id == answer
    assert filling.count_messages() - before == 32


def test_filling_gives_everybody_as_many(eve: Caller) -> None:
    people = [users.add(name).id for name in ("Mallory", "Trent")]
    filling.fill(people, 40, 10, 5)
    callers = [identify(users.add_key(person, "test")[1]) for person in people]
    chats = [sessions.page(one, sessions.Wanted(), Ask(10)).rows for one in callers]
    assert [[chat.messages for chat in some] for some in chats] == [[10, 10], [10, 10]]


def test_words_are_unequal_and_differ() -> None:
    said = Counter(Speaker(1).text(20_000).split())
    assert said[word_at(1)] > 1.5 * said[word_at(2)] > 1.5 * said[word_at(4)]
    assert len({word_at(rank) for rank in range(1, WORDS + 1)}) == WORDS
    assert Speaker(7).text(50) == Speaker(7).text(50)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database on which all is counted."""
    counting.count_all()
    made = create_engine(f"sqlite:///{tmp_path}/counted.db")
    yield made
    made.dispose()
    event.remove(Engine, "do_connect", counting._connect)
    event.remove(Engine, "before_cursor_execute", counting._note_statement)


def test_statements_rows_and_bytes_are_counted(engine: Engine) -> None:
    with engine.connect() as connection, counted() as counts:
        connection.execute(text("CREATE TABLE t (a TEXT, b INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (:a, :b)"), [{"a": "xyz", "b": 1}] * 3)
        rows = connection.execute(text("SELECT a, b FROM t WHERE a = :a"), {"a": "xyz"}).all()
        connection.execute(text("SELECT a FROM t LIMIT 1")).first()
        assert connection.execute(text("SELECT a FROM t WHERE b = 2")).first() is None
    assert len(rows) == 3
    assert (counts.statements, counts.rows) == (5, 4)
    assert (counts.written_bytes, counts.read_bytes) == (3 * 11 + 3, 3 * 11 + 3)


def test_the_most_is_beside_the_least() -> None:
    small = Measured("SQLite", 1_000, {"10": COSTS, "1000": {**COSTS, "rows": 77}}, {})
    large = Measured("SQLite", 9_000, {"10": {**COSTS, "cpu_ms": 1.0}}, {})
    assert ratios([small, large]) == {**dict.fromkeys(COSTS, 1.0), "rows": 1.1, "cpu_ms": 2.0}
    assert "| SQLite | 1,000 | 1,000 | 40.0 | 77.0 | 1.00 | 2.00 | 2.00 | 3.00 |" in turns_table([small])


def test_reads_are_beside_what_was_wished_for() -> None:
    reads = {"list of sessions": (1.0, 50.5), "search, a rare word": (1.0, 250.0)}
    said = reads_table([Measured("SQLite", 1_000, {}, reads)])
    assert "| list of sessions | 1.00 | 50.5 | at most 50 | no |" in said
    assert "| search, a rare word | 1.00 | 250 | at most 300 | yes |" in said
