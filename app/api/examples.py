"""The examples of the OpenAPI document; a test sends each of them."""

from __future__ import annotations

from app.api.wiring import EVENT_STREAM

SESSION = {
    "title": "Monads",
    "system": "Answer in one sentence.",
    "max_tokens": 1024,
    "metadata": {"team": "a"},
}
MESSAGE = {"content": "What is a monad?"}
ANSWER = {"max_tokens": 1024}
RESULTS = {"results": [{"tool_use_id": "toolu_01A09q90qw90lq917835lq9", "content": "14 °C, rain"}]}
CHOICE = {"message_id": "msg_01kb3v8r5y7x2m4n6p8q0s2t4v"}
COUNT = {"content": "What is a monad?"}
DOCUMENT = {
    "format": "colloquy.session",
    "version": 1,
    "session": {"title": "From elsewhere"},
    "messages": [
        {"role": "user", "content": "What is a monad?"},
        {"role": "assistant", "content": "A monoid in the category of endofunctors."},
    ],
}
PRICE = {
    "input_usd_per_million": "2",
    "cache_read_usd_per_million": "0.1",
    "cache_write_5m_usd_per_million": "2.5",
    "cache_write_1h_usd_per_million": "4",
    "output_usd_per_million": "10",
}
BUDGET = {"limit_usd": "5", "period": "month", "time_zone": "Europe/Paris"}
ME = {"name": "Ada"}
KEY = {"name": "laptop", "scopes": ["sessions:read", "messages:read"], "expires_at": "2099-01-01T00:00:00Z"}
KEY_CHANGE = {"name": "old laptop", "expires_at": None}
PERSON = {"name": "Ada", "role": "member", "email": "ada@example.com"}
PERSON_CHANGE = {"role": "viewer"}
EVENT = {
    "type": "object",
    "description": "One event: Claude's to the letter, or one of the server's own.",
    "properties": {
        "id": {"type": "string", "description": "`<message_id>:<n>`, n = 1, 2, 3 … without a gap."},
        "event": {
            "type": "string",
            "description": "Claude's, or `colloquy.turn`, `.context`, `.receipt`, `.done`, or `error`.",
        },
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["id", "event", "data"],
}
TURN = '{"type":"colloquy.turn","session_id":"ses_…","message_id":"msg_…","parent_id":null}'
RECEIPT = '{"type":"colloquy.receipt","message_id":"msg_…","cost_usd":"0.00123","estimated":false,…}'
CONTEXT = '{"type":"colloquy.context","prompt_tokens":412,"cut":null,"messages":[{"as":"verbatim",…}],…}'
DELTA = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"A monad is"}}'
DONE = '{"type":"colloquy.done","message_id":"msg_…","status":"complete","stop_reason":"end_turn"}'
SHOWN = (
    (1, "colloquy.turn", TURN),
    (2, "colloquy.context", CONTEXT),
    (6, "content_block_delta", DELTA),
    (10, "colloquy.receipt", RECEIPT),
    (11, "colloquy.done", DONE),
)
STREAM = {
    "content_type": EVENT_STREAM,
    "schema": EVENT,
    "description": "Claude's own events, and `colloquy.turn`, `.context`, `.receipt`, `error`, `.done`.",
    "example": "".join(
        f"id: msg_…:{number}\nevent: {name}\ndata: {data}\n\n" for number, name, data in SHOWN
    ),
}
