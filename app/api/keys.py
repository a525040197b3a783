"""/keys: make, list, change, revoke."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api import examples, idempotency, paging
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.errors import IdempotencyKeyReused
from app.schemas.keys import CreatedKeyView, KeyChange, KeyDraft, KeyFilter, KeyPage, KeyView
from app.services import keys

NOT_KEPT = {"Cache-Control": "no-store"}
blueprint = Blueprint("keys", __name__, url_prefix="/keys", description="Your keys; for admins, everybody's.")


@blueprint.post("")
@blueprint.takes(KeyDraft, example=examples.KEY)
@blueprint.takes_key
@blueprint.answers(201, CreatedKeyView)
@blueprint.may_fail(IdempotencyKeyReused)
def create_key(values: dict[str, Any]) -> Any:
    """Make a key. Its secret, `key`, is in this answer and nowhere else.

    A key may do no more than its owner's role and the key that makes it. Repeated with the same
    `Idempotency-Key`, the answer lacks the secret, which is kept nowhere: where the first answer was lost,
    revoke the key and make another.
    """
    made = keys.create(caller(), values, idempotency.claim())
    secret = {"key": made.secret} if made.secret else {}
    replayed = idempotency.headers(is_replayed=made.secret is None)
    return {**vars(made.row), **secret}, 201, {**NOT_KEPT, **replayed}


@blueprint.get("")
@blueprint.takes_query(KeyFilter)
@blueprint.answers(200, KeyPage)
def list_keys(query: dict[str, Any]) -> Any:
    """List your keys, the newest first, without those that were revoked."""
    return paging.envelope(keys.page(caller(), query.get("user_id"), paging.ask_of(query, "desc", (str,))))


@blueprint.patch("/<id:key_id>")
@blueprint.takes(KeyChange, example=examples.KEY_CHANGE)
@blueprint.answers(200, KeyView)
def change_key(values: dict[str, Any], key_id: str) -> Any:
    """Change a key's name, scopes or end; what is left out stays. It holds from the next request on."""
    return keys.change(caller(), key_id, values)


@blueprint.delete("/<id:key_id>")
@blueprint.answers(204)
def revoke_key(key_id: str) -> Any:
    """Revoke a key: it ends at once, on every process."""
    keys.revoke(caller(), key_id)
    return Response(status=204)
