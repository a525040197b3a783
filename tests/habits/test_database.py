"""Models, migrations and queries, on both databases."""

from __future__ import annotations

import threading
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import event

from app.cli.migrations import bind, upgrade
from app.extensions import MIGRATIONS, db
from app.models.base import Model
from tests.support import Api

MOST_MORE_STATEMENTS = 2  # a receipt looks for the ids at the ends of its runs where there are some it lacks


def is_compared(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    return not (kind == "table" and str(name).startswith(("message_index", "alembic")))


def test_models_and_migrations_agree(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        options = {"include_object": is_compared, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Model.metadata) == []


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_migrations_go_down_and_up_again(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        bind(app)
        downgrade(revision="base")
        upgrade()


def is_in_its_own_time(statement: str) -> bool:
    """What the journal writes, a key's last use, and the prices, which are read again about once a second."""
    is_of_prices = "FROM model_prices" in statement or statement.startswith("BEGIN")
    is_journal = threading.current_thread().name.endswith("(_go_on)")
    return is_of_prices or is_journal or statement.startswith("UPDATE api_keys SET last_used_at")


def test_lists_and_sends_run_a_fixed_number_of_statements(app: Flask, api: Api) -> None:
    statements: list[str] = []

    def counted(act: Any) -> int:
        statements.clear()
        assert act().status_code < 300
        return len(statements)

    def note(*args: Any) -> None:
        if not is_in_its_own_time(args[2]):
            statements.append(args[2])

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    session_id = api.session()
    acts = {
        "list": lambda: api.get("/sessions"),
        "path": lambda: api.get(f"/sessions/{session_id}/messages"),
        "traces": lambda: api.get("/traces?tool=fetch"),
        "search": lambda: api.get("/messages?q=hello"),
        "send": lambda: api.send_to(session_id, "hello"),
        "export": lambda: api.get(f"/sessions/{session_id}/export"),
    }
    api.say(session_id, "hello")
    before = {name: counted(act) for name, act in acts.items()}
    for _ in range(10):
        api.say(session_id, "hello")
        api.session()
    assert {name: counted(act) for name, act in acts.items()} == before
    counted(acts["send"])
    assert any("INTO turn_events" in one for one in statements)


def test_a_send_runs_as_many_statements_however_long_the_history_that_is_cut_pinned_and_recalled(
    app: Flask, api: Api
) -> None:
    statements: list[str] = []

    def note(*args: Any) -> None:
        if not is_in_its_own_time(args[2]):
            statements.append(args[2])

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    session_id = api.session(context={"budget_tokens": 1_200, "recall_tokens": 300})
    sums: list[tuple[str | None, int]] = []
    for number in range(45):
        statements.clear()
        receipt = api.say(session_id, f"Number {number % 7}: " + "some words to fill the window, " * 8)[
            "context"
        ]
        sums.append((receipt["cut"], len(statements)))
        if number < 2:
            api.put(f"/sessions/{session_id}/pins/{api.path(session_id)[0]['id']}")
    assert {one["as"] for one in receipt["messages"]} >= {"pinned", "recalled", "left_out", "verbatim"}
    for cut in (None, "high_water"):
        early, late = ([count for why, count in part if why == cut] for part in (sums[15:30], sums[30:]))
        assert max(late) <= max(early) <= min(late) + MOST_MORE_STATEMENTS, (cut, early, late)


def weight(statement: str, parameters: Any) -> int:
    """How much is written; of a turn's events only they: the journal takes them in more or fewer pieces."""
    if "INTO turn_events" not in statement:
        return len(repr(parameters))
    rows = parameters if isinstance(parameters, list) else [parameters]
    values = [str(one) for row in rows for one in (row.values() if isinstance(row, dict) else row)]
    events = [one for one in values if one.startswith("[")]
    assert len(events) == len(rows)
    return sum(map(len, events))


def test_what_a_turn_writes_does_not_grow_with_the_history(app: Flask, api: Api) -> None:
    written: list[int] = []

    def weigh(*args: Any) -> None:
        if args[2].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(weight(args[2], args[3]))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", weigh)
    session_id = api.session()
    sums = []
    for _ in range(20):
        written.clear()
        api.say(session_id, "[[reply: text=The same]] the same words " * 20)
        sums.append(sum(written))
    assert max(sums[1:]) < min(sums[1:]) * 1.05
