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
EVENTS = """id: msg_01kb3v8r5y7x2m4n6p8q0s2t4v:1
event: colloquy.turn
data: {"session_id":"ses_…","user_message_id":"msg_…","message_id":"msg_…","parent_id":null}

id: msg_01kb3v8r5y7x2m4n6p8q0s2t4v:2 event: message_start data:
{"type":"message_start","message":{"id":"msg_…","role":"assistant","content":[],"usage":{"input_tokens":12}}}

id: msg_01kb3v8r5y7x2m4n6p8q0s2t4v:3
event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"A monad"}}

id: msg_01kb3v8r5y7x2m4n6p8q0s2t4v:9
event: colloquy.done
data: {"message_id":"msg_…","status":"complete","stop_reason":"end_turn"}

"""
STREAM = {
    "content_type": EVENT_STREAM,
    "schema": {
        "type": "string",
        "description": "Claude's events to the letter, between `colloquy.turn` and `colloquy.done`.",
    },
    "description": "Server-sent events: Claude's own, and `colloquy.turn`, `error`, `colloquy.done`.",
    "example": EVENTS,
}
