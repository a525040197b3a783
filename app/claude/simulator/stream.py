"""A reply as Claude's events, and the events as steps on the wire with the faults asked for. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.claude.simulator import errors
from app.claude.simulator.cache_accounts import Account
from app.claude.simulator.directives import Bill, Fault
from app.claude.simulator.replies import Block, Reply

Event = dict[str, Any]

_FEW_WORDS = re.compile(r"(?:\s*\S+){1,3}\s*|\s+")
_JSON_BITS = re.compile(r".{1,12}", re.DOTALL)
_GARBAGE = "event: content_block_delta\ndata: {this is not JSON\n\n"


@dataclass(frozen=True, slots=True)
class Send:
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection, in the middle of whatever it is."""


Step = Send | Pause | Cut


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply with its envelope."""

    id: str
    model_id: str
    reply: Reply
    account: Account
    request_id: str
    bill: Bill = field(default_factory=Bill)
    diagnosis: Mapping[str, Any] | None = None


def message(answered: Answered) -> Event:
    """The whole message, as a request without `stream` gets it."""
    reply = answered.reply
    return {
        **_envelope(answered),
        "content": list(reply.blocks),
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "stop_details": reply.stop_details,
        "usage": {**_first_usage(answered), **_last_usage(answered)},
    }


def _envelope(answered: Answered) -> Event:
    named = {"id": answered.id, "type": "message", "role": "assistant", "model": answered.model_id}
    diagnosis = answered.diagnosis
    return {**named, "diagnostics": {"cache_miss_reason": dict(diagnosis)} if diagnosis else None}


def _prompt_usage(account: Account) -> dict[str, Any]:
    return {
        "input_tokens": account.input_tokens,
        "cache_creation_input_tokens": account.written_5m_tokens + account.written_1h_tokens,
        "cache_read_input_tokens": account.read_tokens,
    }


def _first_usage(answered: Answered) -> dict[str, Any]:
    account, bill = answered.account, answered.bill
    split = {
        "ephemeral_5m_input_tokens": account.written_5m_tokens,
        "ephemeral_1h_input_tokens": account.written_1h_tokens,
    }
    return {
        **_prompt_usage(account),
        **({"cache_creation": split} if bill.has_split else {}),
        "output_tokens": 1,
        "service_tier": "standard",
        "inference_geo": "not_available",
        **({"speed": bill.speed} if bill.speed else {}),
    }


def _last_usage(answered: Answered) -> dict[str, Any]:
    reply, searches = answered.reply, answered.bill.web_searches
    found: dict[str, Any] = {
        **_prompt_usage(answered.account),
        "output_tokens": max(reply.output_tokens, 1),
    }
    if reply.thinking_tokens:
        found["output_tokens_details"] = {"thinking_tokens": reply.thinking_tokens}
    if searches is not None:
        found["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
    return found


def events(answered: Answered) -> Iterator[Event]:
    yield {"type": "message_start", "message": _opening(answered)}
    for index, block in enumerate(answered.reply.blocks):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield _closing(answered)
    yield {"type": "message_stop"}


def _opening(answered: Answered) -> Event:
    nothing_yet: Event = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    return {**_envelope(answered), **nothing_yet, "usage": _first_usage(answered)}


def _closing(answered: Answered) -> Event:
    reply = answered.reply
    delta = {
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "stop_details": reply.stop_details,
    }
    return {"type": "message_delta", "delta": delta, "usage": _last_usage(answered)}


def _empty(block: Block) -> Block:
    match block["type"]:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_use":
            return {**block, "input": {}}
        case _:
            return {"type": "text", "text": ""}


def _deltas(block: Block) -> Iterator[Event]:
    match block["type"]:
        case "thinking":
            for some in _FEW_WORDS.findall(block["thinking"]):
                yield {"type": "thinking_delta", "thinking": some}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use":
            yield {"type": "input_json_delta", "partial_json": ""}
            for some in _JSON_BITS.findall(json.dumps(block["input"], ensure_ascii=False)):
                yield {"type": "input_json_delta", "partial_json": some}
        case _:
            for some in _FEW_WORDS.findall(block["text"]):
                yield {"type": "text_delta", "text": some}


def streamed(answered: Answered, faults: Sequence[Fault], seconds_per_event: float) -> Iterator[Step]:
    """The steps of a streamed answer. A fault `after` n comes when n events were sent."""
    for sent, event in enumerate([*events(answered), None]):
        due = [fault for fault in faults if fault.after == sent]
        for fault in due:
            yield from _fault_steps(fault, answered.request_id)
        if event is None or _ends(event, due, faults):
            return
        if event["type"] == "content_block_delta" and seconds_per_event:
            yield Pause(seconds_per_event)
        yield Send(encoded(event))


def _ends(event: Event, due: Sequence[Fault], faults: Sequence[Fault]) -> bool:
    lacks_stop = event["type"] == "message_stop" and any(fault.kind == "no_stop" for fault in faults)
    return lacks_stop or any(fault.kind in ("cut", "error", "no_stop") for fault in due)


def _fault_steps(fault: Fault, request_id: str) -> Iterator[Step]:
    match fault.kind:
        case "cut":
            yield Cut()
        case "silence":
            yield Pause(fault.seconds)
        case "garbage":
            yield Send(_GARBAGE)
        case "error":
            yield Send(
                encoded(errors.body(fault.type, "The simulator was asked for this error.", request_id))
            )


def encoded(event: Event) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"


def whole(answered: Answered, faults: Sequence[Fault]) -> Iterator[Step]:
    """The steps of an answer that is one JSON document. `after` has no meaning here."""
    kinds = {fault.kind: fault for fault in faults}
    if "silence" in kinds:
        yield Pause(kinds["silence"].seconds)
    if "cut" in kinds:
        yield Cut()
    elif "garbage" in kinds:
        yield Send("{this is not JSON")
    else:
        yield Send(json.dumps(message(answered), ensure_ascii=False))
