"""Who may call what: this one table. A new route gets a line here, or nobody can call it."""

from __future__ import annotations

from typing import Literal

from app.services.roles import Scope

Access = Scope | Literal["public", "any key"]
PUBLIC: Literal["public"] = "public"
ANY_KEY: Literal["any key"] = "any key"
# Blueprint and view → the scope it needs. A POST that only reads needs no more than a GET.
TABLE: dict[str, Access] = {
    "sessions.create_session": "sessions:write",
    "sessions.list_sessions": "sessions:read",
    "sessions.get_session": "sessions:read",
    "sessions.change_session": "sessions:write",
    "sessions.delete_session": "sessions:write",
    "sessions.list_messages": "messages:read",
    "sessions.send_message": "messages:write",
    "sessions.export_session": "messages:read",
    "sessions.import_session": "sessions:write",
    "sessions.fork_session": "sessions:write",
    "sessions.set_head": "sessions:write",
    "context.preflight": "messages:read",
    "context.get_context": "messages:read",
    "context.compact": "messages:write",
    "context.pin_message": "messages:write",
    "context.unpin_message": "messages:write",
    "messages.send_anywhere": "messages:write",
    "messages.search_messages": "messages:read",
    "messages.get_message": "messages:read",
    "messages.get_receipt": "usage:read",
    "messages.delete_message": "messages:write",
    "messages.follow_events": "messages:read",
    "messages.cancel_answer": "messages:write",
    "messages.regenerate_answer": "messages:write",
    "messages.edit_message": "messages:write",
    "messages.continue_answer": "messages:write",
    "messages.answer_calls": "messages:write",
    "tools.list_tools": ANY_KEY,
    "traces.get_trace_of_message": "messages:read",
    "traces.list_traces": "messages:read",
    "traces.get_trace": "messages:read",
    "tokens.count_tokens": "messages:read",
    "models.list_models": ANY_KEY,
    "me.get_me": ANY_KEY,
    "me.change_me": "keys:write",
    "keys.create_key": "keys:write",
    "keys.list_keys": "keys:read",
    "keys.change_key": "keys:write",
    "keys.revoke_key": "keys:write",
    "users.create_user": "admin",
    "users.list_users": "admin",
    "users.get_user": "admin",
    "users.change_user": "admin",
    "users.delete_user": "admin",
    "usage.get_usage": "usage:read",
    "usage.list_ledger": "usage:read",
    "budgets.list_budgets": "usage:read",
    # Of one's own sessions; that the others are an admin's, the service says.
    "budgets.put_budget": "sessions:write",
    "budgets.delete_budget": "sessions:write",
    "prices.list_prices": "admin",
    "prices.put_price": "admin",
    "prices.delete_price": "admin",
    "audit.list_acts": "admin",
    "metrics.scrape": "admin",
    "health.live": PUBLIC,
    "health.ready": PUBLIC,
    "health.version": PUBLIC,
    "docs.openapi_json": PUBLIC,
    "docs.page": PUBLIC,
}


def needed(endpoint: str | None) -> Access:
    """What an endpoint needs; where there is none, there is nothing to guard."""
    return PUBLIC if endpoint is None else TABLE[endpoint]
