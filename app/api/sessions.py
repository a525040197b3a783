"""/sessions: make, list, read, change, delete, send to, fork, export, import."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from app.api import etags, examples, idempotency, paging, sending
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.errors import IdempotencyKeyReused, PreconditionFailed, SessionBusy
from app.schemas.documents import DocumentDraft, DocumentView
from app.schemas.erasures import ErasureView
from app.schemas.messages import MessageChoice, MessageDraft, MessagePage, PathFilter
from app.schemas.sessions import (
    ExportFilter,
    SessionChange,
    SessionDraft,
    SessionFilter,
    SessionPage,
    SessionView,
)
from app.services import branches, sessions, transfer
from app.services.sessions import Created, Wanted

MARKDOWN = "text/markdown; charset=utf-8"
blueprint = Blueprint(
    "sessions", __name__, url_prefix="/sessions", description="Conversations and what is in them."
)


@blueprint.post("")
@blueprint.takes(SessionDraft, example=examples.SESSION)
@blueprint.takes_key
@blueprint.answers(201, SessionView)
@blueprint.may_fail(IdempotencyKeyReused)
def create_session(values: dict[str, Any]) -> Any:
    """Make a session.

    All settings are optional; what is left out follows the server's defaults.
    """
    return _created(sessions.create(caller(), values, idempotency.claim()))


@blueprint.get("")
@blueprint.takes_query(SessionFilter)
@blueprint.answers(200, SessionPage)
def list_sessions(query: dict[str, Any]) -> Any:
    """List your sessions, the newest first."""
    wanted = Wanted(query.get("archived"), query.get("q"), query.get("model"))
    return paging.envelope(sessions.page(caller(), wanted, paging.ask_of(query, "desc", (str,))))


@blueprint.get("/<id:session_id>")
@blueprint.answers(200, SessionView)
def get_session(session_id: str) -> Any:
    """Read a session: settings, where it stands, what it has used."""
    chat = sessions.get(caller(), session_id)
    return chat, 200, etags.headers(chat)


@blueprint.patch("/<id:session_id>")
@blueprint.takes(SessionChange, example={"title": "Monads", "archived": True})
@blueprint.answers(200, SessionView)
@blueprint.may_fail(PreconditionFailed)
def change_session(values: dict[str, Any], session_id: str) -> Any:
    """Change settings; what is left out stays. `If-Match` is checked when sent."""
    chat = sessions.change(caller(), session_id, values, etags.matcher())
    return chat, 200, etags.headers(chat)


@blueprint.delete("/<id:session_id>")
@blueprint.answers(200, ErasureView)
@blueprint.may_fail(PreconditionFailed)
def delete_session(session_id: str) -> Any:
    """Erase a session with everything that hangs on it; the answer says what that was.

    `If-Match` is checked when sent.
    """
    return sessions.remove(caller(), session_id, etags.matcher())


@blueprint.get("/<id:session_id>/messages")
@blueprint.takes_query(PathFilter)
@blueprint.answers(200, MessagePage)
def list_messages(query: dict[str, Any], session_id: str) -> Any:
    """List the messages from the first to the head, or those of every branch.

    In the tree, a message stands after the one it follows, its `parent_id`.
    """
    page = sessions.tree_page if query["view"] == "tree" else sessions.path_page
    return paging.envelope(page(caller(), session_id, paging.ask_of(query, "asc", (int,))))


@blueprint.post("/<id:session_id>/messages")
@blueprint.takes(MessageDraft, example=examples.MESSAGE)
@sending.begins_turn(blueprint)
def send_message(values: dict[str, Any], session_id: str) -> Any:
    """Send a message and get Claude's answer.

    With `"stream": true` or `Accept: text/event-stream` the answer is a stream of server-sent events.
    """
    return sending.send(values, session_id)


@blueprint.get("/<id:session_id>/export")
@blueprint.takes_query(ExportFilter)
@blueprint.answers(200, DocumentView)
@blueprint.also_answers(200, description="OK", content_type="text/markdown", schema={"type": "string"})
def export_session(query: dict[str, Any], session_id: str) -> Any:
    """Get the whole session as one document, or the conversation as Markdown."""
    if query["format"] == "md":
        return Response(transfer.as_markdown(caller(), session_id), content_type=MARKDOWN)
    return transfer.export(caller(), session_id)


@blueprint.post("/import")
@blueprint.takes(DocumentDraft, example=examples.DOCUMENT)
@blueprint.takes_key
@blueprint.answers(201, SessionView)
@blueprint.may_fail(IdempotencyKeyReused)
def import_session(values: dict[str, Any]) -> Any:
    """Make a session from a document.

    A message needs only `role` and `content`: without ids, the list is one conversation in its order.
    """
    return _created(transfer.import_(caller(), values["session"], values["messages"], idempotency.claim()))


@blueprint.post("/<id:session_id>/fork")
@blueprint.takes(MessageChoice, example=examples.CHOICE)
@blueprint.takes_key
@blueprint.answers(201, SessionView)
@blueprint.may_fail(SessionBusy, IdempotencyKeyReused)
def fork_session(values: dict[str, Any], session_id: str) -> Any:
    """Make a new session from this one's messages up to one of them."""
    return _created(branches.fork(caller(), session_id, values["message_id"], idempotency.claim()))


@blueprint.put("/<id:session_id>/head")
@blueprint.takes(MessageChoice, example=examples.CHOICE)
@blueprint.answers(200, SessionView)
@blueprint.may_fail(SessionBusy, PreconditionFailed)
def set_head(values: dict[str, Any], session_id: str) -> Any:
    """Go on from another message, of this branch or another. `If-Match` is checked when sent."""
    chat = branches.go_on_from(caller(), session_id, values["message_id"], etags.matcher())
    return chat, 200, etags.headers(chat)


def _created(made: Created) -> Any:
    address = url_for("sessions.get_session", session_id=made.chat.id)
    replayed = idempotency.headers(is_replayed=made.is_replayed)
    return made.chat, 201, {"Location": address, **etags.headers(made.chat), **replayed}
