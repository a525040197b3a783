"""A trace as messages, with texts that Claude's stand-in counts as many tokens as the trace says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.claude.rules.models import Model
from app.claude.rules.prompts import pieces
from app.claude.simulator.counting import TURN_TOKENS, block_tokens, piece_tokens
from bench.context.traces import Trace, Turn

Message = dict[str, Any]
# Five letters are two tokens, and with the space three characters a token: what English is on average.
TEXT = "early water found under seven small boats light while those three still asked again where going"
WORDS = TEXT.split()
ODD = "and"
TOOL = {"name": "look", "description": "Looks it up.", "input_schema": {"type": "object"}}
CALL_TOKENS = 6
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Spoken:
    """A turn's messages, `tokens` of each, and the seconds before each request.

    A request is all messages up to one of the user's: the first, third, fifth; the next is its answer.
    """

    messages: tuple[Message, ...]
    tokens: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def turn_tokens(self) -> int:
        return sum(self.tokens)


@dataclass(frozen=True)
class Conversation:
    """What is sent with each request (the head), and the turns."""

    head: dict[str, Any]
    head_tokens: int
    turns: tuple[Spoken, ...]


def spoken(trace: Trace, model: Model) -> Conversation:
    """The whole conversation."""
    system = {"type": "text", "text": text(trace.head_tokens, 0)}
    head: dict[str, Any] = {"system": [system]}
    if any(turn.steps for turn in trace.turns):
        head["tools"] = [TOOL]
    turns = tuple(_turn(turn, at, model) for at, turn in enumerate(trace.turns, start=1))
    head_tokens = sum(piece_tokens(piece, model) for piece in pieces({**head, "messages": []}))
    return Conversation(head, head_tokens, turns)


def text(tokens: int, number: int) -> str:
    """A text of so many tokens; the first word is the number, so that no two are the same."""
    words = ["".join(LETTERS[number // 26**power % 26] for power in range(5))]
    words += [WORDS[(number + at) % len(WORDS)] for at in range(tokens // 2 - 1)]
    return " ".join([*words, ODD] if tokens % 2 else words)


def _turn(turn: Turn, at: int, model: Model) -> Spoken:
    messages = tuple(_messages(turn, at * 100))
    tokens = tuple(
        TURN_TOKENS + sum(block_tokens(one, model) for one in message["content"]) for message in messages
    )
    return Spoken(messages, tokens, (turn.silence_seconds, *(step.seconds for step in turn.steps)))


def _messages(turn: Turn, number: int) -> Iterator[Message]:
    yield _message("user", {"type": "text", "text": text(turn.user_tokens, number)})
    for at, step in enumerate(turn.steps, start=number + 1):
        asked = {"for": text(max(step.call_tokens - CALL_TOKENS, 2), at)}
        name = f"toolu_{at}"
        yield _message("assistant", {"type": "tool_use", "id": name, "name": TOOL["name"], "input": asked})
        found = text(step.result_tokens, at)
        yield _message("user", {"type": "tool_result", "tool_use_id": name, "content": found})
    yield _message("assistant", {"type": "text", "text": text(turn.answer_tokens, number + 99)})


def _message(role: str, block: dict[str, Any]) -> Message:
    return {"role": role, "content": [block]}
