"""/me: the caller."""

from __future__ import annotations

from typing import Any

from app.api import examples
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.schemas.users import MeChange, MeView
from app.services import users

blueprint = Blueprint("me", __name__, url_prefix="/me", description="You.")


@blueprint.get("")
@blueprint.answers(200, MeView)
def get_me() -> Any:
    """Read who you are, which key you came with, what you may do and spend."""
    return users.me(caller())


@blueprint.patch("")
@blueprint.takes(MeChange, example=examples.ME)
@blueprint.answers(200, MeView)
def change_me(values: dict[str, Any]) -> Any:
    """Change your name or address; what is left out stays."""
    users.change(caller(), caller().user_id, values)
    return users.me(caller())
