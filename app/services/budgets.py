"""Budgets: what may still be spent, held to by reserving the most that a call may cost before it is made.

A row counts what is spent and reserved in its period. Whoever changes the counts holds the row's lock, after
having written the charge: so a budget that is set meanwhile counts every charge once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.billing import periods
from app.errors import BudgetExhausted, Fault, Invalid, NotFound, ScopeMissing
from app.extensions import dialect
from app.models.api_keys import ApiKey
from app.models.base import now, update_by
from app.models.budgets import Budget, select_budgets, select_budgets_to_change
from app.models.charges import OPEN, SETTLED, Charge
from app.models.sessions import ChatSession
from app.models.users import User
from app.services import audit
from app.services.identity import Caller
from app.services.transactions import looking, reading, writing
from app.telemetry import metrics

ALL = "all"
OWNERS: dict[str, tuple[Any, Any]] = {
    "user": (User, Charge.user_id),
    "key": (ApiKey, Charge.key_id),
    "session": (ChatSession, Charge.session_id),
}


@dataclass(frozen=True)
class Payer:
    """Whose budgets a call is paid from; an id is None where there is none."""

    user_id: str | None
    key_id: str | None = None
    session_id: str | None = None

    @property
    def scope_of(self) -> dict[str, str | None]:
        """The scope of each kind that a call of theirs counts in; None where there is none."""
        ids = {"user": self.user_id, "key": self.key_id, "session": self.session_id}
        return {ALL: ALL, **{kind: f"{kind}:{id_}" if id_ else None for kind, id_ in ids.items()}}

    @property
    def scopes(self) -> list[str]:
        """Those that there are."""
        return [one for one in self.scope_of.values() if one]


@dataclass(frozen=True)
class Standing:
    """A budget as it stands now, in nano-USD. `resets_at` is None for a total."""

    scope: str
    limit_nano_usd: int
    period: str
    time_zone: str
    spent_nano_usd: int
    reserved_nano_usd: int
    resets_at: datetime | None

    @property
    def remaining_nano_usd(self) -> int:
        """What may still be reserved; never below nothing."""
        return max(self.limit_nano_usd - self.spent_nano_usd - self.reserved_nano_usd, 0)


@dataclass(frozen=True)
class Limit:
    """What is set: nano-USD in a calendar period of a time zone."""

    limit_nano_usd: int
    period: str
    time_zone: str


def of(payer: Payer) -> list[Standing]:
    """The budgets that a call of theirs counts in."""
    at = now()
    with looking() as connection:
        return [_standing(one, at) for one in select_budgets().rows(connection, payer.scope_of)]


def narrowest(payer: Payer) -> Standing | None:
    """The budget that leaves the least; None where nothing limits them. A call may find less of it left."""
    return min(of(payer), key=lambda one: one.remaining_nano_usd, default=None)


def exhausted(standing: Standing, needed_nano_usd: int) -> BudgetExhausted:
    """The refusal of a call that might cost more than is left."""
    metrics.BUDGET_REFUSALS.labels(standing.scope.partition(":")[0]).inc()
    when = f"It begins anew at {standing.resets_at:%Y-%m-%d %H:%M} UTC. " if standing.resets_at else ""
    error = BudgetExhausted(
        f"The call may cost {needed_nano_usd} nano-USD; the budget {standing.scope} has "
        f"{standing.remaining_nano_usd} of {standing.limit_nano_usd} left. {when}Ask for fewer max_tokens, "
        "take a cheaper model, or have the budget raised."
    )
    error.about = {
        "scope": standing.scope,
        "limit_nano_usd": standing.limit_nano_usd,
        "remaining_nano_usd": standing.remaining_nano_usd,
        "needed_nano_usd": needed_nano_usd,
        "resets_at": _rfc3339(standing.resets_at),
    }
    return error


def reserve(session: Session, payer: Payer, amount_nano_usd: int) -> None:
    """Set an amount aside in all of the payer's budgets; raises BudgetExhausted."""
    at = now()
    for row in select_budgets_to_change().rows(session, payer.scope_of):
        standing = _standing(row, at)
        if amount_nano_usd > standing.remaining_nano_usd:
            raise exhausted(standing, amount_nano_usd)
        _count(session, row, at, reserved_nano_usd=amount_nano_usd)


def settle(session: Session, payer: Payer, reserved_nano_usd: int, cost_nano_usd: int) -> None:
    """Spend what a call cost, and let go of what was reserved for it."""
    at = now()
    for row in select_budgets_to_change().rows(session, payer.scope_of):
        _count(session, row, at, reserved_nano_usd=-reserved_nano_usd, spent_nano_usd=cost_nano_usd)


def visible_to(caller: Caller) -> list[Standing]:
    """The budgets that calls of theirs count in, those of all their keys and sessions; to an admin, all."""
    at = now()
    mine = (Budget.scope == ALL) | (Budget.user_id == caller.user_id)
    mine |= Budget.key_id.in_(select(ApiKey.id).where(ApiKey.user_id == caller.user_id))
    mine |= Budget.session_id.in_(select(ChatSession.id).where(ChatSession.user_id == caller.user_id))
    found = select(Budget) if caller.is_admin else select(Budget).where(mine)
    with reading() as session:
        return [_standing(one, at) for one in session.scalars(found.order_by(Budget.scope))]


def put(caller: Caller, scope: str, limit: Limit) -> Standing:
    """Set a budget. What was spent in its period before counts.

    Raises NotFound, Invalid, and ScopeMissing where only an admin may.
    """
    at = now()
    if not periods.is_time_zone(limit.time_zone):
        raise Invalid(
            "Name a time zone.", faults=[Fault("/time_zone", "Not a time zone, such as Europe/Paris.")]
        )
    with writing() as session:
        kind, id_ = _checked(session, caller, scope)
        audit.note(session, caller, "budget.set", scope, vars(limit))
        _let_no_charge_change(session)
        budget = session.get(Budget, scope) or Budget(scope=scope)
        if kind != ALL:
            setattr(budget, f"{kind}_id", id_)
        budget.limit_nano_usd, budget.period, budget.time_zone = vars(limit).values()
        budget.period_started_at = _began_at(budget, at)
        budget.spent_nano_usd, budget.reserved_nano_usd = _counted(
            session, kind, id_, budget.period_started_at
        )
        budget.updated_at = at
        session.add(budget)
        session.flush()
        return _standing(budget, at)


def remove(caller: Caller, scope: str) -> None:
    """Take a budget away; raises NotFound, and ScopeMissing where only an admin may."""
    with writing() as session:
        _checked(session, caller, scope)
        budget = session.get(Budget, scope)
        if budget is None:
            raise NotFound(f"There is no budget {scope}.")
        audit.note(session, caller, "budget.remove", scope)
        session.delete(budget)


def _count(
    session: Session, row: Any, at: datetime, *, reserved_nano_usd: int, spent_nano_usd: int = 0
) -> None:
    """Add to what is reserved and spent of a budget that is locked, in the period of this moment."""
    standing, began = _standing(row, at), _began_at(row, at)
    counted = {
        "reserved_nano_usd": standing.reserved_nano_usd + reserved_nano_usd,
        "spent_nano_usd": standing.spent_nano_usd + spent_nano_usd,
        "period_started_at": max(filter(None, (began, row.period_started_at)), default=None),
    }
    update_by(Budget, "scope").run(session, {"of": row.scope, **counted})


def _standing(budget: Any, at: datetime) -> Standing:
    """It as it stands at a moment: of an earlier period only what is reserved counts."""
    bounds = periods.bounds(budget.period, budget.time_zone, at)
    is_over = bounds is not None and (
        budget.period_started_at is None or bounds[0] > budget.period_started_at
    )
    return Standing(
        budget.scope,
        budget.limit_nano_usd,
        budget.period,
        budget.time_zone,
        0 if is_over else budget.spent_nano_usd,
        budget.reserved_nano_usd,
        bounds[1] if bounds else None,
    )


def _began_at(budget: Any, at: datetime) -> datetime | None:
    bounds = periods.bounds(budget.period, budget.time_zone, at)
    return bounds[0] if bounds else None


def _counted(session: Session, kind: str, id_: str | None, since: datetime | None) -> tuple[int, int]:
    """What was spent since, and what is reserved, by the charges."""
    is_theirs = [OWNERS[kind][1] == id_] if kind != ALL else []
    spent = select(func.sum(Charge.cost_nano_usd)).where(Charge.status == SETTLED, *is_theirs)
    if since:
        spent = spent.where(Charge.settled_at >= since)
    reserved = select(func.sum(Charge.reserved_nano_usd)).where(Charge.status == OPEN, *is_theirs)
    return int(session.scalar(spent) or 0), int(session.scalar(reserved) or 0)


def _checked(session: Session, caller: Caller, scope: str) -> tuple[str, str | None]:
    """The kind of a scope and the id in it; it must be there, and the caller's to limit."""
    kind, _, id_ = scope.partition(":")
    if scope == ALL:
        _require_admin(caller)
        return ALL, None
    owner = session.get(OWNERS[kind][0], id_) if kind in OWNERS else None
    if owner is None or not (caller.is_admin or caller.user_id in {owner.id, getattr(owner, "user_id", "")}):
        raise NotFound(f"There is nothing that {scope} could be a budget of.")
    if kind != "session":
        _require_admin(caller)
    return kind, id_


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise ScopeMissing("Only an admin sets this budget; you may set those of your sessions.")


def _let_no_charge_change(session: Session) -> None:
    """Until the end of the transaction; on SQLite there is one writer anyway."""
    if dialect() == "postgresql":
        session.execute(text("LOCK TABLE charges IN SHARE MODE"))


def _rfc3339(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
