"""docs/access.md: who may do what, from the roles and from the scopes that the OpenAPI document names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.services.roles import ROLES, SCOPES

Operation = tuple[str, str, dict[str, Any]]
HEAD = """# Who may do what

Made from the code by `flask openapi-files`; a test says whether it agrees. The roles are in
`app/services/roles.py`, and what each route needs is in `app/api/access.py`.

- Everybody reaches what is their own; what is somebody else's is 404, whether it is there or not.
- A key may be narrowed to some of its owner's scopes. One that the role lacks is refused when a key is made
  (422), and is of no use where the role was changed later. Without `admin`, a key gives another no more than
  it has itself.
- A role, a scope, an end or a revocation holds from the next request on, on every process.
- Without a key, or with one that is unknown, revoked or past its end: 401. Without the scope: 403
  `scope_missing`, which names it.
- An admin reaches everybody's keys, and can make one for anybody; the audit log says so.
- What others write, admins read only where `COLLOQUY_ADMINS_READ_MESSAGES` is `true`: every GET of one
  session, message or trace, with the scope that it needs. They never change it.
- The last admin can be neither deleted nor demoted (409 `last_admin`).
"""


def as_markdown(operations: Iterable[Operation]) -> str:
    """The page, for these (method, path, operation)."""
    return "\n".join([HEAD, *_roles(), "", *_routes(operations), ""])


def _roles() -> list[str]:
    rows = [
        f"| `{scope}` | {' | '.join('yes' if scope in ROLES[role] else '' for role in ROLES)} | {says} |"
        for scope, says in SCOPES.items()
    ]
    head = [f"| scope | {' | '.join(ROLES)} | |", f"| --- |{' --- |' * (len(ROLES) + 1)}"]
    return ["## Roles", "", *head, *rows]


def _routes(operations: Iterable[Operation]) -> list[str]:
    rows = [f"| `{method.upper()} {path}` | {_needed(operation)} |" for method, path, operation in operations]
    return ["## Routes", "", "| route | scope |", "| --- | --- |", *rows]


def _needed(operation: dict[str, Any]) -> str:
    if "security" not in operation:
        return "no key"
    return f"`{operation['x-scope']}`" if "x-scope" in operation else "any key"
