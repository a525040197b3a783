"""/users: people, for admins."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.api import examples, idempotency, paging
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.errors import IdempotencyKeyReused, LastAdmin
from app.schemas.base import PageFilter
from app.schemas.erasures import ErasureView
from app.schemas.users import UserChange, UserDraft, UserPage, UserView
from app.services import users

blueprint = Blueprint("users", __name__, url_prefix="/users", description="People, for admins.")


@blueprint.post("")
@blueprint.takes(UserDraft, example=examples.PERSON)
@blueprint.takes_key
@blueprint.answers(201, UserView)
@blueprint.may_fail(IdempotencyKeyReused)
def create_user(values: dict[str, Any]) -> Any:
    """Add a person. They have no key yet: make one with `POST /keys`."""
    user, is_replayed = users.create(caller(), values, idempotency.claim())
    address = {"Location": url_for("users.get_user", user_id=user.id)}
    return user, 201, {**address, **idempotency.headers(is_replayed=is_replayed)}


@blueprint.get("")
@blueprint.takes_query(PageFilter)
@blueprint.answers(200, UserPage)
def list_users(query: dict[str, Any]) -> Any:
    """List everybody, the newest first."""
    return paging.envelope(users.page(paging.ask_of(query, "desc", (str,))))


@blueprint.get("/<id:user_id>")
@blueprint.answers(200, UserView)
def get_user(user_id: str) -> Any:
    """Read who somebody is."""
    return users.get(user_id)


@blueprint.patch("/<id:user_id>")
@blueprint.takes(UserChange, example=examples.PERSON_CHANGE)
@blueprint.answers(200, UserView)
@blueprint.may_fail(LastAdmin)
def change_user(values: dict[str, Any], user_id: str) -> Any:
    """Change somebody's name, address or role; what is left out stays. It holds from the next request on."""
    return users.change(caller(), user_id, values)


@blueprint.delete("/<id:user_id>")
@blueprint.answers(200, ErasureView)
@blueprint.may_fail(LastAdmin)
def delete_user(user_id: str) -> Any:
    """Erase a person with everything of theirs; the receipt says what that was."""
    return users.remove(caller(), user_id)
