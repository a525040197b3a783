"""What people write and what documents bring along, at random: plain text, files, odd blocks."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

from marshmallow import ValidationError

from app.schemas import content

Block = dict[str, Any]
Said = tuple[str, list[Block], str | None]  # a message of a document: role, content, bound_to

IDS = ("t1", "t2", "t3", "t4")
MARKERS = (
    {"type": "ephemeral"},
    {"type": "ephemeral", "ttl": "1h"},
    {"type": "ephemeral", "ttl": "5m"},
    None,
)
SERVER_TOOLS = ("web_search", "code_execution")
LONG = "some words that fill the window, " * 60
TEXTS = (
    "Hello.",
    "And now?",
    "yes \n",
    "Ünïcödé 漢字 🦆",
    "請問今天天氣怎麼樣",
    "Où en sommes-nous déjà arrivés ?",
    'for (let i = 0; i < n; ++i) {\n    total += prices[i]["net"];\n}',
    '{"id": 83125, "tags": ["a", "b"], "at": "2026-01-01T00:00:00Z"}',
    "some words that fill the window, " * 12,
    LONG,
    LONG,
)
PDF = "JVBERi0xLjQK"
PHOTO = base64.b64encode(b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 2_000, 3_000)).decode()


def some_text(random: Random) -> str:
    return random.choice(TEXTS)


def marked(random: Random, block: Block) -> Block:
    """A block, sometimes with a cache marker."""
    return {**block, "cache_control": random.choice(MARKERS)} if random.random() < 0.35 else block


def image(random: Random) -> Block:
    """A small one, or a photo whose size the estimate doesn't know."""
    media_type, picture = random.choice((("image/png", content.PIXEL), ("image/jpeg", PHOTO)))
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": picture}}


def document(random: Random) -> Block:
    inner = [marked(random, {"type": "text", "text": "A page."}) for _ in range(random.randrange(1, 4))]
    sources: tuple[Block, ...] = (
        {"type": "base64", "media_type": "application/pdf", "data": PDF},
        {"type": "content", "content": inner},
        {"type": "text", "media_type": "text/plain", "data": "A page."},
    )
    return {"type": "document", "source": random.choice(sources), "title": random.choice((None, "A title"))}


def sent_content(random: Random) -> list[Block]:
    """What a person may send: the API's own check says so."""
    kinds = (
        lambda: {"type": "text", "text": some_text(random)},
        lambda: image(random),
        lambda: document(random),
    )
    while True:
        count = random.choice((1, 1, 1, 2, 6))
        blocks = [marked(random, random.choices(kinds, (6, 1, 1))[0]()) for _ in range(count)]
        if is_taken("user", blocks):
            return blocks


def odd_messages(random: Random) -> Iterator[Said]:
    """A history from elsewhere: whatever the check of an import lets in."""
    most = 9 if random.random() < 0.98 else 100
    for _ in range(random.randrange(1, most)):
        role = random.choice(("user", "assistant"))
        blocks = [marked(random, odd_block(random, role)) for _ in range(random.choice((0, 1, 1, 2, 3, 5)))]
        yield role, [one for one in blocks if is_taken(role, [one])], random.choice((None, None, "0" * 64))


def is_taken(role: str, blocks: list[Block]) -> bool:
    try:
        content.check(role, content.as_blocks(blocks))
    except ValidationError:
        return False
    return True


def odd_block(random: Random, role: str) -> Block:
    if random.random() < 0.4:
        return {"type": "text", "text": random.choice(("Said before.", "", " ", LONG))}
    return _odd_user(random) if role == "user" else _odd_assistant(random)


def _odd_user(random: Random) -> Block:
    inner = [
        marked(random, random.choice(({"type": "text", "text": "It is 7."}, image(random)))) for _ in range(2)
    ]
    result: Block = {"type": "tool_result", "tool_use_id": random.choice(IDS)}
    return random.choice(
        (
            result,
            {**result, "content": ""},
            {**result, "content": inner},
            {**result, "content": [{"type": "tool_reference", "tool_name": "look"}]},
            {**result, "content": [document(random)], "is_error": True},
            {"type": "search_result", "source": "s", "title": "t", "content": [inner[0]]},
            {"type": "container_upload", "file_id": "file_1"},
            image(random),
            document(random),
        )
    )


def _odd_assistant(random: Random) -> Block:
    use = {"id": random.choice(IDS), "input": {}, "caller": random.choice((None, {"type": "direct"}))}
    return random.choice(
        (
            {"type": "thinking", "thinking": "Hm.", "signature": random.choice(("", "forged"))},
            {"type": "redacted_thinking", "data": random.choice(("", "x"))},
            {"type": "tool_use", "name": "look", **use},
            {"type": "tool_use", "name": "look", **use},
            {"type": "server_tool_use", "name": random.choice(SERVER_TOOLS), **use},
            {"type": "web_search_tool_result", "tool_use_id": random.choice(IDS), "content": []},
            {"type": "code_execution_tool_result", "tool_use_id": random.choice(IDS), "content": {}},
            {"type": "container_upload", "file_id": "file_1"},
            {"type": "text", "text": "As it says.", "citations": [{"type": "page"}]},
            {"type": "novelty", "what": "newer than our rules"},
        )
    )
