"""/messages: send without a session at hand, search, read one."""

from __future__ import annotations

from typing import Any

from app.api import etags, examples, paging, sending
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.errors import CLAUDE_ERRORS, SessionBusy
from app.schemas.messages import AnyMessageDraft, MatchPage, MessageView, SearchFilter, TurnView
from app.services import messages

blueprint = Blueprint(
    "messages", __name__, url_prefix="/messages", description="Messages of all your sessions."
)


@blueprint.post("")
@blueprint.takes(AnyMessageDraft, example=examples.MESSAGE)
@blueprint.answers(201, TurnView)
@blueprint.also_answers(200, **examples.STREAM)
@blueprint.may_fail(SessionBusy, *CLAUDE_ERRORS)
def send_anywhere(values: dict[str, Any]) -> Any:
    """Send a message to a session, or to a new one, in one call.

    The answer names the session; as with sending to a session, it may be a stream.
    """
    return sending.send(values, values.get("session_id"))


@blueprint.get("")
@blueprint.takes_query(SearchFilter)
@blueprint.answers(200, MatchPage)
def search_messages(query: dict[str, Any]) -> Any:
    """Search your messages for words; the best match comes first."""
    ask = paging.ask_of(query, "desc", (float, int))
    return paging.envelope(messages.search(caller(), query["q"], query.get("session_id"), ask))


@blueprint.get("/<id:message_id>")
@blueprint.answers(200, MessageView)
def get_message(message_id: str) -> Any:
    """Read a message."""
    message = messages.get(caller(), message_id)
    return message, 200, etags.headers(message)
