"""Conversations of more than a thousand messages, on databases of their own."""

from __future__ import annotations

from app.services import sessions, transfer
from app.services.identity import Caller
from tests.support import CountRows

MANY = 1_500


def test_a_long_conversation_is_deleted_like_a_short_one(ada: Caller, count_rows: CountRows) -> None:
    said = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}] * MANY
    chat = transfer.import_(ada, {}, said).chat
    sessions.remove(ada, chat.id, lambda _: True)
    assert count_rows().items() >= {"sessions": 0, "messages": 0, "message_index": 0}.items()
