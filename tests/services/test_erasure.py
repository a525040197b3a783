"""Erasing for good, on both databases: rows, search index, and the files of SQLite."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.extensions import db
from app.models.base import new_id, now
from app.models.budgets import Budget
from app.models.charges import Charge
from app.models.rate_counters import RateCounter
from app.models.sessions import ChatSession
from app.models.summaries import SummaryRow
from app.services import erasure
from app.services.transactions import reading, writing
from tests.support import Api, CountRows
from tests.traces import store, tool, turn

LETTERS = "bcdfghjklmnpqrtvwxz"
PLACES = ("title", "system", "metadata", "said", "answered", "noted", "summary", "key", "traced")
COUNTED = {
    "sessions": 1,
    "messages": 2,
    "summaries": 1,
    "traces": 1,
    "calls": 0,
    "budgets": 1,
    "idempotency_keys": 1,
}
PRICED = {"price_version": "1", "status": "settled", "reserved_nano_usd": 9, "cost_nano_usd": 7}


@pytest.fixture(autouse=True)
def within(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def words() -> dict[str, str]:
    """A word for each place, of which nothing else has the end: an index may leave out common beginnings."""
    return {place: "".join(random.choices(LETTERS, k=14)) for place in PLACES}  # noqa: S311


def conversation(api: Api, words: dict[str, str]) -> str:
    """A session with these words in it, and what else may hang on one."""
    session_id = api.session(
        title=words["title"], system=words["system"], metadata={"team": words["metadata"]}
    )
    body = {
        "content": f"{words['said']} [[reply: text={words['answered']}]]",
        "metadata": {"a": words["noted"]},
    }
    sent = api.post(
        f"/sessions/{session_id}/messages", json=body, headers={"Idempotency-Key": words["key"]}
    ).json()
    summary = {"id": new_id("sum"), "upto_id": sent["message"]["id"], "upto_depth": 1, "covered_ids": []}
    ours = {"scope": f"session:{session_id}", "limit_nano_usd": 1, "period": "total", "time_zone": "UTC"}
    charged = {"message_id": sent["message"]["id"], "purpose": "message", "model": "m", **PRICED}
    with writing() as session:
        owner = session.scalar(select(ChatSession.user_id).where(ChatSession.id == session_id))
        written = {"text": words["summary"], "tokens": 1, "model": "m"}
        session.add(SummaryRow(session_id=session_id, **summary, **written))
        session.add(Budget(session_id=session_id, **ours))
        session.add(Charge(user_id=owner, session_id=session_id, settled_at=now(), **charged))
        session.add(RateCounter(key=f"requests/{owner}/1", value=1, expires_at_ms=0))
    store(sent["message"]["id"], turn(tool(words["traced"])))
    return session_id


def owner_of(session_id: str) -> str:
    with reading() as session:
        return str(session.scalar(select(ChatSession.user_id).where(ChatSession.id == session_id)))


def rows() -> str:
    """Every row of every table, but for the audit log: it keeps the ids of what was deleted."""
    names = {*db.metadata.tables, "message_index"} - {"audit_entries"}
    statements = [f"SELECT * FROM {name}" for name in names]  # noqa: S608
    with reading() as session:
        return "\n".join(str(row) for one in statements for row in session.execute(text(one)))


def files() -> bytes:
    """The files of a SQLite database; nothing elsewhere."""
    path = Path(str(db.engine.url.database))
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*") if one.suffix != ".db-shm")


def left(words: dict[str, str]) -> set[str]:
    """The places whose word is found in any row, or in the files of the database."""
    found, raw = rows(), files()
    return {place for place, word in words.items() if word in found or word[4:12].encode() in raw}


def finish(erased: erasure.Erasure) -> None:
    erasure.finish(erased)


def test_nothing_is_left_of_an_erased_session_and_the_receipt_counts_it(
    api: Api, other: Api, words: dict[str, str], count_rows: CountRows
) -> None:
    kept = other.say(other.session(), "Lighthouse")
    session_id = conversation(api, words)
    assert left(words) == set(PLACES)
    events = api.get(f"/messages/{api.path(session_id)[-1]['id']}/events").text.count("\nevent: ")
    answer = api.delete(f"/sessions/{session_id}")
    assert answer.status_code == 200
    receipt = answer.json()
    assert receipt["id"] == session_id
    assert receipt["erased"] == {**COUNTED, "events": events}
    assert receipt["erased_at"].endswith("Z")
    assert left(words) == set()
    assert session_id not in rows()
    assert api.get(f"/messages?q={words['said']}").json()["data"] == []
    found = other.get("/messages?q=Lighthouse").json()["data"]
    assert {one["message"]["id"] for one in found} == {kept["parent_id"], kept["id"]}
    assert count_rows()["messages"] == 2


def test_nothing_is_left_of_an_erased_person(api: Api, words: dict[str, str], other: Api) -> None:
    other.say(other.session(), "Lighthouse")
    sessions = [conversation(api, words), api.session()]
    user_id = owner_of(sessions[0])
    with writing() as session:
        erased = erasure.of_person(session, user_id)
    finish(erased)
    assert {**erased.erased, "events": 0} == {**COUNTED, "events": 0, "sessions": 2, "keys": 1}
    assert erased.id == user_id
    assert left(words) == set()
    assert not any(one in rows() for one in (user_id, *sessions))
    assert api.get("/sessions").status_code == 401
    assert len(other.get("/messages?q=Lighthouse").json()["data"]) >= 1


def test_money_outlives_what_it_was_for_and_names_it_no_more(api: Api, words: dict[str, str]) -> None:
    session_id = conversation(api, words)
    user_id = owner_of(session_id)
    charge = select(Charge).where(Charge.user_id == user_id, Charge.cost_nano_usd == 7)
    with reading() as session:
        charge_id = session.scalars(charge).one().id
    api.delete(f"/sessions/{session_id}")
    with writing() as session:
        one = session.scalars(select(Charge).where(Charge.id == charge_id)).one()
        assert (one.session_id, one.message_id, one.user_id, one.cost_nano_usd) == (None, None, user_id, 7)
        erased = erasure.of_person(session, user_id)
    finish(erased)
    with reading() as session:
        one = session.scalars(select(Charge).where(Charge.id == charge_id)).one()
        assert (one.user_id, one.cost_nano_usd) == (None, 7)


def test_an_answer_that_is_being_made_is_erased_and_stopped(api: Api, count_rows: CountRows) -> None:
    session_id = api.session()
    with api.sending(session_id, "[[reply: words=50 seconds_per_event=0.05]]") as chunks:
        next(chunks)
        assert api.delete(f"/sessions/{session_id}").json()["erased"]["messages"] == 2
        list(chunks)
    assert {count_rows()[name] for name in ("messages", "turns", "turn_events")} == {0}


def test_what_a_request_made_is_not_made_again_though_it_was_erased(api: Api) -> None:
    named = {"Idempotency-Key": "once"}
    made = api.post("/messages", json={"content": "Hello"}, headers=named).json()["message"]["session_id"]
    api.delete(f"/sessions/{made}")
    again = api.post("/messages", json={"content": "Hello"}, headers=named)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert api.get("/sessions").json()["data"] == []


def test_a_reader_that_stays_delays_the_end_and_the_next_sweep_comes_to_it(
    api: Api, words: dict[str, str]
) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL frees what was deleted by itself")
    session_id = conversation(api, words)
    reader = sqlite3.connect(str(db.engine.url.database), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    assert api.delete(f"/sessions/{session_id}").status_code == 200
    assert left(words) != set(), "the reader still sees it"
    reader.execute("COMMIT")
    reader.close()
    erasure.sweep()
    assert left(words) == set()
    erasure.sweep()


def test_a_sweep_that_finds_nothing_erased_does_nothing(api: Api, words: dict[str, str]) -> None:
    session_id = conversation(api, words)
    with writing() as session:
        session.execute(update(ChatSession).where(ChatSession.id == session_id).values(title="Another"))
    before: Any = files()
    erasure.sweep()
    assert files() == before
