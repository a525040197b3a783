"""/messages: send without a session at hand, search, read one, and all that can be done with one."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api import etags, examples, paging, sending, sse
from app.api.identity import caller
from app.api.wiring import Blueprint
from app.errors import EventsGone, NotAwaited, NotContinuable, PreconditionFailed, SessionBusy
from app.extensions import config
from app.schemas.base import Nothing
from app.schemas.messages import (
    AnswerDraft,
    AnyMessageDraft,
    EditDraft,
    EventsFilter,
    MatchPage,
    MessageView,
    ResultsDraft,
    SearchFilter,
)
from app.schemas.money import ReceiptOfCostView
from app.schemas.tools import given_of
from app.services import actions, bills, branches, drafts, logs, messages, turns

blueprint = Blueprint(
    "messages", __name__, url_prefix="/messages", description="Messages of all your sessions."
)


@blueprint.post("")
@blueprint.takes(AnyMessageDraft, example=examples.MESSAGE)
@sending.begins_turn(blueprint)
def send_anywhere(values: dict[str, Any]) -> Any:
    """Send a message to a session, or to a new one, in one call.

    The answer names the session; as with sending to a session, it may be a stream.
    """
    return sending.send(values, values.get("session_id"))


@blueprint.get("")
@blueprint.takes_query(SearchFilter)
@blueprint.answers(200, MatchPage)
def search_messages(query: dict[str, Any]) -> Any:
    """Search your messages for words; the best match comes first.

    Where more than 1,000 match, the newest 1,000 come first, ranked among themselves, then the next 1,000.
    """
    ask = paging.ask_of(query, "desc", (float, int, int))
    return paging.envelope(messages.search(caller(), query["q"], query.get("session_id"), ask))


@blueprint.get("/<id:message_id>")
@blueprint.answers(200, MessageView)
def get_message(message_id: str) -> Any:
    """Read a message."""
    message = messages.get(caller(), message_id)
    return message, 200, etags.headers(message)


@blueprint.get("/<id:message_id>/receipt")
@blueprint.answers(200, ReceiptOfCostView)
def get_receipt(message_id: str) -> Any:
    """Read what a message cost, by class of token; a message that no call was made for cost nothing."""
    return bills.of_message(caller(), message_id)


@blueprint.delete("/<id:message_id>")
@blueprint.answers(204)
@blueprint.may_fail(SessionBusy, PreconditionFailed)
def delete_message(message_id: str) -> Any:
    """Delete a message and all that follows from it. `If-Match` is checked when sent.

    If the session's head is among them, the head is the message before.
    """
    branches.cut_off(caller(), message_id, etags.matcher())
    return Response(status=204)


@blueprint.get("/<id:message_id>/events")
@blueprint.takes_query(EventsFilter)
@blueprint.follows_stream
@blueprint.also_answers(200, **examples.STREAM)
@blueprint.may_fail(EventsGone)
def follow_events(query: dict[str, Any], message_id: str) -> Any:
    """Read the stream of an answer again, from any event on, while it runs or after.

    Events are kept for a while after the answer's end; then 410 names the message's address.
    """
    after = sse.after_of(query.get("after"), message_id)
    return sse.respond(logs.follow(caller(), message_id), config().ping_seconds, after=after)


@blueprint.post("/<id:message_id>/cancel")
@blueprint.takes(Nothing, example={})
@blueprint.answers(200, MessageView)
def cancel_answer(_values: dict[str, Any], message_id: str) -> Any:
    """Stop Claude and keep what came. An answer that has ended stays as it is."""
    message = turns.cancel(caller(), message_id)
    return message, 200, etags.headers(message)


@blueprint.post("/<id:message_id>/regenerate")
@blueprint.takes(AnswerDraft, example=examples.ANSWER)
@sending.begins_turn(blueprint)
def regenerate_answer(values: dict[str, Any], message_id: str) -> Any:
    """Get another answer beside this one; the session goes on from it."""
    wishes = sending.wishes_of(values)
    return sending.begin(
        lambda: drafts.of_regenerate(caller(), message_id, wishes), is_streamed=values["stream"]
    )


@blueprint.post("/<id:message_id>/edit")
@blueprint.takes(EditDraft, example=examples.MESSAGE)
@sending.begins_turn(blueprint)
def edit_message(values: dict[str, Any], message_id: str) -> Any:
    """Say something else in the place of one of your messages, and get an answer; the old one stays."""
    said, wishes = (values["content"], values.get("metadata")), sending.wishes_of(values)
    return sending.begin(
        lambda: drafts.of_edit(caller(), message_id, *said, wishes), is_streamed=values["stream"]
    )


@blueprint.post("/<id:message_id>/continue")
@blueprint.takes(AnswerDraft, example=examples.ANSWER)
@sending.begins_turn(blueprint, NotContinuable)
def continue_answer(values: dict[str, Any], message_id: str) -> Any:
    """Carry on an answer that broke off, or was cut off by max_tokens, in a message below it."""
    wishes = sending.wishes_of(values)
    return sending.begin(
        lambda: drafts.of_continue(caller(), message_id, wishes), is_streamed=values["stream"]
    )


@blueprint.post("/<id:message_id>/tool_results")
@blueprint.takes(ResultsDraft, example=examples.RESULTS)
@sending.begins_turn(blueprint, NotAwaited)
def answer_calls(values: dict[str, Any], message_id: str) -> Any:
    """Hand in what your tools found, or approve calls of the server's, and the turn goes on."""
    given, wishes = [given_of(one) for one in values["results"]], sending.wishes_of(values)
    return sending.begin(
        lambda: actions.draft_of(caller(), message_id, given, wishes), is_streamed=values["stream"]
    )
