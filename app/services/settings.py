"""The settings of a send: the message's word wins over the session's, and that over the server's."""

from __future__ import annotations

from dataclasses import dataclass

from app.context import Ask
from app.extensions import config
from app.models.sessions import ChatSession
from app.services import toolboxes


@dataclass(frozen=True)
class Wishes:
    """What a caller asks for; None leaves it to the next in line."""

    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None


def settle(wishes: Wishes, session: ChatSession | None = None) -> Ask:
    """What holds for a send."""
    defaults = config()
    kept = Wishes(session.model, session.system, session.max_tokens) if session else Wishes()
    system = kept.system if wishes.system is None else wishes.system
    context = {
        name: value for name, value in ((session and session.context) or {}).items() if value is not None
    }
    return Ask(
        model=wishes.model or kept.model or defaults.model,
        max_tokens=wishes.max_tokens or kept.max_tokens or defaults.max_tokens,
        system=system if system and system.strip() else None,  # Claude takes no blank one
        budget_tokens=_least(context.get("budget_tokens", 0), defaults.context_tokens),
        keep=context.get("keep", defaults.context_keep),
        tools=tuple(toolboxes.of(session.tools).declared) if session else (),
        recall_tokens=context.get("recall_tokens", defaults.recall_tokens),
    )


def _least(*limits: int) -> int:
    """The least of those that are set; 0 is none."""
    return min((one for one in limits if one), default=0)
