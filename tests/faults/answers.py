"""Claude's answers, at random, and as streams: each block in pieces as Claude sends it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any

from app.claude.events import Event
from app.claude.simulator import signing
from app.claude.simulator.signatures import prefix_digest
from app.context import Prompt
from tests.faults.contents import IDS, SERVER_TOOLS, Block, some_text


def answer_to(prompt: Prompt, random: Random, new_id: Callable[[], str]) -> list[Block]:
    """What Claude says; its thinking is signed over all that stands before it."""
    made: list[Block] = []
    for _ in range(random.choice((0, 1, 2, 2, 3, 4))):
        kind = random.choice(("text", "text", "thinking", "redacted", "tool", "server_tool", "empty", "new"))
        use_id = f"toolu_{new_id()}" if random.random() < 0.8 else random.choice(IDS)
        if kind == "thinking":
            thought = random.choice(("", "Let me see.", "Let me see. " * 40))
            signature = _signed(prompt, made, thought)
            made.append({"type": "thinking", "thinking": thought, "signature": signature})
        else:
            made += _said(random, kind, use_id)
    return made


def _said(random: Random, kind: str, use_id: str) -> list[Block]:
    match kind:
        case "text":
            cited: Block = {"citations": [{"type": "page"}]} if random.random() < 0.2 else {}
            return [{"type": "text", "text": some_text(random), **cited}]
        case "empty":
            return [{"type": "text", "text": random.choice(("", " \n"))}]
        case "redacted":
            return [{"type": "redacted_thinking", "data": "c2VjcmV0"}]
        case "tool":
            return [{"type": "tool_use", "id": use_id, "name": "look", "input": {"at": "the sea", "n": 1}}]
        case "server_tool":
            name = random.choice(SERVER_TOOLS)
            use = {"type": "server_tool_use", "id": use_id, "name": name, "input": {"q": "sea"}}
            result = {"type": f"{name}_tool_result", "tool_use_id": use_id, "content": []}
            return [use, result] if random.random() < 0.8 else [use]
        case _:
            return [{"type": "novelty", "what": "newer than our rules"}]


def _signed(prompt: Prompt, before: list[Block], thought: str) -> str:
    request = prompt.as_request()
    said = [{"role": "assistant", "content": before}] if before else []
    return signing.sign(prefix_digest({**request, "messages": [*request["messages"], *said]}), thought)


def events_of(
    random: Random, blocks: Iterable[Block], asked: Mapping[str, Any], said: Mapping[str, Any]
) -> Iterator[Event]:
    """The events of an answer; `asked` is the usage of its start, `said` that of its end."""
    start = {"id": "msg_x", "type": "message", "role": "assistant", "model": "claude-x", "usage": asked}
    yield _event({"type": "message_start", "message": start})
    for index, block in enumerate(blocks):
        begun, deltas = _pieces(random, block)
        yield _event({"type": "content_block_start", "index": index, "content_block": begun})
        for delta in deltas:
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    yield _event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": said})
    yield _event({"type": "message_stop"})


def _event(payload: Block) -> Event:
    return Event(payload["type"], payload, json.dumps(payload))


def _pieces(random: Random, block: Block) -> tuple[Block, list[Block]]:
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": one} for one in _halves(random, block["text"])]
            cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations", ())]
            return {"type": "text", "text": "", **({"citations": None} if cited else {})}, deltas + cited
        case "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": one} for one in _halves(random, block["thinking"])
            ]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
        case "tool_use" | "server_tool_use":
            bits = ["", *_halves(random, json.dumps(block["input"]))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": one} for one in bits]
        case _:
            return block, []


def _halves(random: Random, text: str) -> list[str]:
    cut = random.randrange(len(text) + 1)
    return [one for one in (text[:cut], text[cut:]) if one]
