"""Whom a token speaks of: names, address and role, from its claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES = ("name", "preferred_username", "email")
MOST_NAME, MOST_EMAIL = 200, 320
HIGHEST_FIRST = ("admin", "member", "viewer")


@dataclass(frozen=True)
class Person:
    """Somebody at a provider, by `subject`; what the token says nothing of is None."""

    subject: str
    name: str | None
    email: str | None
    role: str | None

    @property
    def said(self) -> dict[str, str]:
        """What the token says of them."""
        return {name: value for name in ("name", "email", "role") if (value := getattr(self, name))}


def person_of(claims: Mapping[str, Any], role_claim: str, roles: Mapping[str, str]) -> Person:
    """The person of a checked token; without a role claim in the settings, roles are given elsewhere."""
    names = [text for one in NAMES if (text := _text(claims.get(one), MOST_NAME))]
    email = _text(claims.get("email"), MOST_EMAIL)
    role = _role(_values(claims, role_claim), roles) if role_claim else None
    return Person(claims["sub"], names[0] if names else None, email, role)


def _role(values: list[Any], roles: Mapping[str, str]) -> str:
    """The highest that any of the values means."""
    meant = {roles[one] for one in values if isinstance(one, str) and one in roles}
    return next((one for one in HIGHEST_FIRST if one in meant), "member")


def _values(claims: Mapping[str, Any], name: str) -> list[Any]:
    """A claim's values; a name with dots may lead into it, as in `realm_access.roles`."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for step in name.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, list) else [found]


def _text(value: Any, most: int) -> str | None:
    """What can be shown and stored of a text."""
    if not isinstance(value, str):
        return None
    return "".join(one for one in value if one.isprintable()).strip()[:most].strip() or None
