"""Messages in and out."""

from __future__ import annotations

from marshmallow import fields, validate

from app.models.messages import STATUSES
from app.schemas.base import (
    MOST_TOKENS,
    PageFilter,
    StrictBoolean,
    StrictSchema,
    Time,
    free_metadata,
    page_of,
    text,
    usage_of,
    whole_number,
)
from app.schemas.content import ANY_BLOCK, Content
from app.schemas.money import dollars
from app.schemas.sessions import MOST_SYSTEM_CHARACTERS
from app.schemas.tools import MOST_RESULTS, AwaitedView, GivenResult
from app.turns.run import REPAIRS

MOST_EVENTS = 2**31 - 1


class AnswerDraft(StrictSchema):
    """How to answer. The settings win over the session's, for this answer only."""

    may_be_missing = True

    model = text(200, 1, allow_none=True, metadata={"example": "claude-sonnet-5-5"})
    system = text(MOST_SYSTEM_CHARACTERS, allow_none=True)
    max_tokens = whole_number(1, MOST_TOKENS, allow_none=True, metadata={"example": 1024})
    stream = StrictBoolean(load_default=False, metadata={"description": "Answer as server-sent events."})


class ResultsDraft(AnswerDraft):
    """What an answer waits for."""

    may_be_missing = False

    results = fields.List(
        fields.Nested(GivenResult), required=True, validate=validate.Length(1, MOST_RESULTS)
    )


class EditDraft(AnswerDraft):
    """Another message in the place of one of yours; its metadata is kept where none is given."""

    may_be_missing = False

    content = Content(required=True)
    metadata = free_metadata()


class MessageDraft(AnswerDraft):
    """A message to send."""

    may_be_missing = False

    content = Content(required=True)
    metadata = free_metadata(load_default=dict)
    parent_id = text(
        40,
        1,
        allow_none=True,
        metadata={"description": "The message that this one follows; null or left out: the head."},
    )
    on_busy = fields.String(
        load_default="reject",
        validate=validate.OneOf(["reject", "queue"]),
        metadata={"description": "While the session answers: 409, or wait for the turn."},
    )
    expect_plan = text(
        64, 1, allow_none=True, metadata={"description": "The `plan` of a preflight: send this, or nothing."}
    )
    max_cost_nano_usd = dollars(
        data_key="max_cost_usd",
        allow_none=True,
        metadata={"description": "The most that the answer may cost; its length is cut to fit."},
    )


class MessageChoice(StrictSchema):
    """One of the session's messages."""

    message_id = text(40, 1, required=True, metadata={"example": "msg_01kb3v8r5y7x2m4n6p8q0s2t4v"})


class AnyMessageDraft(MessageDraft):
    """A message to send; without a session, one is made."""

    session_id = text(40, 1, allow_none=True)


class MessageView(StrictSchema):
    """A message."""

    id = fields.String(required=True, metadata={"example": "msg_01kb3v8r5y7x2m4n6p8q0s2t4v"})
    session_id = fields.String(required=True)
    parent_id = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(["user", "assistant"]))
    content = fields.Raw(required=True, metadata={"type": "array", "items": ANY_BLOCK})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    stop_reason = fields.String(required=True, allow_none=True)
    model = fields.String(required=True, allow_none=True)
    usage = fields.Function(
        usage_of,
        required=True,
        metadata={"oneOf": [{"$ref": "#/components/schemas/Usage"}, {"type": "null"}]},
    )
    is_pinned = fields.Boolean(
        required=True, data_key="pinned", metadata={"description": "Whether it stays in the context."}
    )
    estimated_tokens = fields.Integer(required=True, allow_none=True)
    tokens = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Its size, once Claude has counted it."}
    )
    context = fields.Raw(
        required=True,
        metadata={
            "oneOf": [{"$ref": "#/components/schemas/ReceiptView"}, {"type": "null"}],
            "description": "Of an answer: what the request held.",
        },
    )
    problem = fields.Raw(
        required=True,
        data_key="error",
        metadata={"oneOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}]},
    )
    repairs = fields.Function(
        lambda row: row.repairs or [],
        required=True,
        metadata={
            "type": "array",
            "items": {"type": "string", "enum": list(REPAIRS)},
            "description": "What had to be changed in the request before Claude took it.",
        },
    )
    waiting = fields.List(
        fields.Nested(AwaitedView),
        required=True,
        allow_none=True,
        data_key="awaits",
        metadata={"description": "Of an answer that is `requires_action`: the calls that wait for you."},
    )
    turn_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of a message that a turn made on the way to its answer: that answer."},
    )
    client_metadata = fields.Dict(required=True, data_key="metadata")
    created_at = Time(required=True)
    updated_at = Time(required=True)


MessagePage = page_of(MessageView, "MessagePage")


class TurnView(StrictSchema):
    """What was sent, and what was answered."""

    user_message = fields.Nested(MessageView, required=True)
    message = fields.Nested(MessageView, required=True)


class PathFilter(PageFilter):
    """Which of a session's messages."""

    view = fields.String(
        load_default="path",
        validate=validate.OneOf(["path", "tree"]),
        metadata={"description": "`path`: from the first to the head; `tree`: every branch."},
    )


class EventsFilter(StrictSchema):
    """From where on."""

    after = fields.Integer(
        validate=validate.Range(0, MOST_EVENTS),
        metadata={"description": "The number of the last event you have; wins over `Last-Event-ID`."},
    )


class SearchFilter(PageFilter):
    """What is searched for."""

    q = text(500, 1, required=True, metadata={"description": "Words that the message holds, all of them."})
    session_id = text(40, 1, metadata={"description": "Only in this session."})


class MatchView(StrictSchema):
    """A message that was found."""

    message = fields.Nested(MessageView, required=True)
    score = fields.Float(required=True, metadata={"description": "Greater is better; only for comparing."})
    snippet = fields.String(
        required=True,
        metadata={
            "description": "Safe HTML: what matched stands in `<mark>`.",
            "example": "a <mark>monad</mark> is …",
        },
    )


MatchPage = page_of(MatchView, "MatchPage")
