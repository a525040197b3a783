"""The audit log: who did what to keys, people, budgets and exports, and what was deleted. Only ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from app.models.audit import AuditEntry, select_entries
from app.services.identity import Caller
from app.services.pages import Ask, Page, cut, keyed
from app.services.transactions import reading

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Wanted:
    """Which entries are listed; None wants all."""

    action: str | None = None
    actor_id: str | None = None
    object_id: str | None = None


def note(
    session: Session,
    caller: Caller | None,
    action: str,
    object_id: str,
    details: Mapping[str, Any] = NOTHING,
) -> None:
    """Add an entry in the transaction of the act itself. No caller: the command line.

    An action is named `key.create`: what, and what was done to it. Details hold ids, numbers and names of
    fields; never what a person has written, nor a name, nor a secret.
    """
    entry = AuditEntry(action=action, object_id=object_id, details=dict(details))
    if caller:
        entry.actor_id, entry.key_id, entry.request_id = caller.user_id, caller.key_id, caller.request_id
    session.add(entry)


def page(wanted: Wanted, ask: Ask) -> Page[AuditEntry]:
    """The entries, in the order they were made."""
    given = {name: value for name, value in vars(wanted).items() if value is not None}
    with reading() as session:
        rows = session.scalars(keyed(select_entries(**given), AuditEntry.id, ask)).all()
    return cut(rows, ask.limit, lambda row: [row.id])
