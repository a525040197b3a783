"""The audit log: in the transaction of the act, and never changed, whoever asks the database."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.extensions import dialect
from app.models.base import new_id
from app.services import audit, users
from app.services.audit import Wanted
from app.services.identity import Caller
from app.services.pages import Ask
from app.services.transactions import writing


def noted(**wanted: str) -> list[tuple[str, str | None, str]]:
    """(action, actor, object) of the entries, by action: those of one millisecond have no order."""
    rows = audit.page(Wanted(**wanted), Ask(limit=200)).rows
    return sorted((one.action, one.actor_id, one.object_id) for one in rows)


def test_an_entry_names_the_caller_their_key_and_the_request(ada: Caller) -> None:
    caller = Caller(ada.user_id, ada.name, ada.role, ada.key_id, ada.scopes, request_id="req_1")
    about = new_id("bud")
    with writing() as session:
        audit.note(session, caller, "budget.set", about, {"limit_nano_usd": 5})
        audit.note(session, None, "budget.delete", about)
    (first,) = audit.page(Wanted("budget.set", object_id=about), Ask()).rows
    (second,) = audit.page(Wanted("budget.delete", object_id=about), Ask()).rows
    found = (first.actor_id, first.key_id, first.request_id, first.details)
    assert found == (ada.user_id, ada.key_id, "req_1", {"limit_nano_usd": 5})
    assert (second.actor_id, second.key_id, second.request_id, second.details) == (None, None, None, {})


def test_what_did_not_happen_is_not_noted(ada: Caller) -> None:
    about = new_id("bud")

    def fail() -> None:
        with writing() as session:
            audit.note(session, ada, "budget.set", about)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert noted(object_id=about) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor_id = NULL WHERE id = :id",
        "UPDATE audit_entries SET details = '{}'",
        "DELETE FROM audit_entries WHERE id = :id",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_the_database_refuses_to_change_an_entry(app: Flask, ada: Caller, statement: str) -> None:
    if statement.startswith("TRUNCATE") and dialect() == "sqlite":
        return
    about = new_id("bud")
    with writing() as session:
        audit.note(session, ada, "budget.set", about)
    (entry,) = audit.page(Wanted(object_id=about), Ask()).rows
    with pytest.raises(DBAPIError, match="append-only"), writing() as session:
        session.execute(text(statement), {"id": entry.id} if ":id" in statement else {})
    assert noted(object_id=about) == [("budget.set", ada.user_id, about)]


def test_entries_outlive_the_people_they_name(ada: Caller) -> None:
    users.remove(None, ada.user_id)
    acts = [action for action, _, _ in noted(object_id=ada.user_id)]
    assert acts == ["user.create", "user.delete"]


def test_commands_have_no_actor(ada: Caller) -> None:
    key, _ = users.add_key("Ada", "laptop")
    users.change(None, ada.user_id, {"role": "viewer"})
    for _ in range(2):
        users.revoke_key(key.id)
    assert noted(object_id=key.id) == [("key.create", None, key.id), ("key.revoke", None, key.id)]
    assert ("user.change", None, ada.user_id) in noted(object_id=ada.user_id)
