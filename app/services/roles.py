"""What a role may do: its scopes, which a key may narrow and never widen. docs/access.md shows the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Scope = Literal[
    "sessions:read",
    "sessions:write",
    "messages:read",
    "messages:write",
    "usage:read",
    "keys:read",
    "keys:write",
    "admin",
]
ADMIN: Scope = "admin"
SCOPES: dict[Scope, str] = {
    "sessions:read": "Read one's sessions: their settings, where they stand, what they have used.",
    "sessions:write": "Make, import, fork, change and delete one's sessions.",
    "messages:read": "Read and search one's messages, export them, follow their events, count tokens.",
    "messages:write": "Send messages and spend, edit, cancel, pin and delete them.",
    "usage:read": "Read what one has used and spent.",
    "keys:read": "List one's keys; none of them shows its secret.",
    "keys:write": "Make, change and revoke one's keys; change one's name and address.",
    "admin": "People and everybody's keys; the audit log.",
}
ROLES: dict[str, frozenset[Scope]] = {
    "viewer": frozenset(one for one in SCOPES if one.endswith(":read")),
    "member": frozenset(one for one in SCOPES if one != ADMIN),
    "admin": frozenset(SCOPES),
}


def granted(role: str, narrowed: Iterable[str] | None = None) -> frozenset[Scope]:
    """What somebody with this role may do, with a key that is narrowed to these; None narrows nothing."""
    return ROLES[role] if narrowed is None else ROLES[role].intersection(narrowed)


def ordered(scopes: Iterable[str]) -> list[str]:
    """The scopes in the order in which they are always listed, each once."""
    return [one for one in SCOPES if one in set(scopes)]
