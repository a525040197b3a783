"""Rules between messages: who speaks when, and what a tool's call and its result owe each other."""

from collections.abc import Iterator, Mapping
from itertools import chain, groupby, takewhile
from typing import Any

from app.claude.rules.blocks import SAID_BY, SERVER_RESULTS
from app.claude.rules.models import Model
from app.claude.rules.prompts import Piece, pieces
from app.claude.rules.violations import Violation

Messages = list[dict[str, Any]]
Turn = list[Piece]

_NO_CONTENT = "all messages must have non-empty content except for the optional final assistant message"
_NO_PREFILL = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)
_LOST_RESULT = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
_LOST_USE = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."


def violations(request: Mapping[str, Any], model: Model | None) -> Iterator[Violation]:
    messages: Messages = request["messages"]
    if not messages:
        yield Violation("messages", "at least one message is required")
        return
    turns = [list(turn) for _, turn in groupby(_said(request), key=lambda piece: piece.turn)]
    yield from _start(messages)
    yield from _content(messages)
    yield from _roles(request)
    yield from _system_messages(messages, model)
    yield from _end(messages, turns, model)
    yield from _tools(turns)
    yield from _thinking(turns)


def _said(request: Mapping[str, Any]) -> Iterator[Piece]:
    return (piece for piece in pieces(request) if piece.is_message)


def _start(messages: Messages) -> Iterator[Violation]:
    if messages[0]["role"] != "user":
        yield Violation("messages", 'first message must use the "user" role')


def _content(messages: Messages) -> Iterator[Violation]:
    for index, message in enumerate(messages):
        content = message["content"]
        is_final_assistant = message["role"] == "assistant" and index == len(messages) - 1
        if not content and not is_final_assistant:
            yield Violation(f"messages.{index}", _NO_CONTENT)
        elif content and isinstance(content, str) and not content.strip():
            path = f"messages.{index}.content"
            yield Violation(path, "text content blocks must contain non-whitespace text")


def _roles(request: Mapping[str, Any]) -> Iterator[Violation]:
    for piece in _said(request):
        kind = piece.block["type"]
        if kind not in SAID_BY[piece.part]:
            speakers = " or ".join(f"`{role}`" for role, kinds in SAID_BY.items() if kind in kinds)
            yield Violation(piece.path, f"`{kind}` blocks can only be in {speakers} messages")


def _system_messages(messages: Messages, model: Model | None) -> Iterator[Violation]:
    for index, message in enumerate(messages):
        if message["role"] != "system":
            continue
        path = f"messages.{index}.role"
        if model and not model.takes_system_messages:
            yield Violation(path, "role 'system' is not supported on this model")
        elif index and not _may_precede_system(messages[index - 1]):
            yield Violation(path, "a system message must follow a user message or a server tool use")
        elif any(after["role"] != "assistant" for after in messages[index + 1 : index + 2]):
            yield Violation(path, "a system message must be last or be followed by an assistant message")


def _may_precede_system(message: dict[str, Any]) -> bool:
    return message["role"] == "user" or (message["role"] == "assistant" and _is_paused(message["content"]))


def _is_paused(content: Any) -> bool:
    """An answer that stopped for a server tool goes back as it is: that is no prefill."""
    blocks = content if isinstance(content, list) else []
    return any(block["type"] in SERVER_RESULTS | {"server_tool_use"} for block in blocks[-1:])


def _end(messages: Messages, turns: list[Turn], model: Model | None) -> Iterator[Violation]:
    last = messages[-1]
    if last["role"] != "assistant" or _is_paused(last["content"]):
        return
    if model and not model.takes_prefill:
        yield Violation("", _NO_PREFILL)
    final = turns[-1][-1] if turns else None
    text = final.block.get("text", "") if final and final.part == "assistant" else ""
    if text != text.rstrip():
        yield Violation("messages", "final assistant content cannot end with trailing whitespace")


def _tools(turns: list[Turn]) -> Iterator[Violation]:
    yield from _repeated_ids(turns)
    nothing: Turn = []
    for before, turn, after in zip([nothing, *turns], turns, [*turns[1:], nothing], strict=False):
        yield from _unanswered(turn, after)
        yield from _unasked(before, turn)
        yield from _server_results(turn)


def _repeated_ids(turns: list[Turn]) -> Iterator[Violation]:
    seen: set[str] = set()
    for piece in chain.from_iterable(turns):
        if piece.block["type"] not in ("tool_use", "server_tool_use"):
            continue
        if piece.block["id"] in seen:
            yield Violation(piece.path, "`tool_use` ids must be unique")
        seen.add(piece.block["id"])


def _unanswered(turn: Turn, after: Turn) -> Iterator[Violation]:
    leading = takewhile(lambda piece: piece.block["type"] == "tool_result", after)
    answered = {piece.block["tool_use_id"] for piece in leading}
    uses = [piece for piece in turn if piece.block["type"] == "tool_use"]
    missing = [piece for piece in uses if piece.block["id"] not in answered]
    if missing:
        ids = ", ".join(piece.block["id"] for piece in missing)
        found = (
            f"`tool_use` ids were found without `tool_result` blocks immediately after: {ids}. {_LOST_USE}"
        )
        yield Violation(_message_of(missing[0]), found)


def _unasked(before: Turn, turn: Turn) -> Iterator[Violation]:
    asked = {piece.block["id"] for piece in before if piece.block["type"] == "tool_use"}
    answered: set[str] = set()
    for piece in turn:
        if piece.block["type"] != "tool_result":
            continue
        use_id = piece.block["tool_use_id"]
        if use_id not in asked:
            found = f"unexpected `tool_use_id` found in `tool_result` blocks: {use_id}. {_LOST_RESULT}"
            yield Violation(piece.path, found)
        elif use_id in answered:
            found = f"Found multiple `tool_result` blocks with id: {use_id}"
            yield Violation(piece.path, f"each tool_use must have a single result. {found}")
        answered.add(use_id)


def _server_results(turn: Turn) -> Iterator[Violation]:
    used: set[str] = set()
    for piece in turn:
        kind = piece.block["type"]
        if kind == "server_tool_use":
            used.add(piece.block["id"])
        elif kind in SERVER_RESULTS and piece.block["tool_use_id"] not in used:
            message = (
                f"unexpected `tool_use_id` found in `{kind}` blocks: {piece.block['tool_use_id']}. "
                f"Each `{kind}` block must have a corresponding `server_tool_use` block before it."
            )
            yield Violation(piece.path, message)


def _thinking(turns: list[Turn]) -> Iterator[Violation]:
    for turn in turns:
        kind = turn[-1].block["type"]
        if kind in ("thinking", "redacted_thinking"):
            message = f"The final block in an assistant message cannot be `{kind}`."
            yield Violation(_message_of(turn[-1]), message)


def _message_of(piece: Piece) -> str:
    return ".".join(piece.path.split(".")[:2])
