"""The tables, a file each. Functions named select_* return statements; who may see a row is one of them.

All are imported here, so that they know each other whoever is asked first.
"""

from app.models import (
    api_keys,
    audit,
    budgets,
    calls,
    charges,
    idempotency_keys,
    ledger,
    messages,
    model_prices,
    rate_counters,
    sessions,
    summaries,
    traces,
    turn_events,
    turns,
    users,
)

__all__ = [
    "api_keys",
    "audit",
    "budgets",
    "calls",
    "charges",
    "idempotency_keys",
    "ledger",
    "messages",
    "model_prices",
    "rate_counters",
    "sessions",
    "summaries",
    "traces",
    "turn_events",
    "turns",
    "users",
]
