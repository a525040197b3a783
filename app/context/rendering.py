"""From the messages of a path to messages that Claude accepts.

Whatever happened to a history, the result begins with the user, alternates, has no empty text, pairs each
tool call with its result, and holds thinking only where it is still bound to all that stands before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from app.claude.rules.blocks import SERVER_RESULTS
from app.context.blocks import THINKING, pair_key, taken
from app.context.values import Ask, Block, Entry, Prompt


@dataclass(frozen=True)
class Transcript:
    """What Claude is sent, the digest that an answer to it is bound to, and whose thinking is in it.

    `ends` says, by depth, where an entry's last block stands that may end a cached prefix: message, block.
    """

    messages: list[dict[str, Any]]
    bound_to: str
    thinking_ids: tuple[str, ...] = ()
    ends: Mapping[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """A block as it is sent, the message it came from, and where it stood in it."""

    block: Block
    entry: Entry
    at: int

    @property
    def is_unchanged(self) -> bool:
        """Whether it is sent as it was said; cache markers don't count."""
        return self.block.keys() == self.entry.content[self.at].keys() - {"cache_control"}

    @property
    def type(self) -> str:
        return str(self.block.get("type"))

    @property
    def may_be_last(self) -> bool:
        """Whether a cached prefix may end with it."""
        return self.type not in THINKING


@dataclass(frozen=True)
class Said:
    """What one side says at a time: the blocks of one message or of several in a row."""

    role: str
    pieces: Sequence[Piece]

    def ids(self, type_: str, name: str) -> frozenset[str]:
        """The values of a field in the blocks of one type."""
        return frozenset(str(one.block.get(name)) for one in self.pieces if one.type == type_)

    def without(self, type_: str, name: str, others: frozenset[str]) -> set[int]:
        """The pieces of one type, by identity, whose field has none of the other side's values."""
        return {id(one) for one in self.pieces if one.type == type_ and one.block.get(name) not in others}

    def unpaired_on_the_server(self) -> set[int]:
        """Calls of Claude's own tools that have no result after them, and results without a call before."""
        called: dict[str, int] = {}
        lost: set[int] = set()
        for one in self.pieces:
            if one.type == "server_tool_use":
                called[str(one.block.get("id"))] = id(one)
            elif one.type in SERVER_RESULTS and called.pop(str(one.block.get("tool_use_id")), None) is None:
                lost.add(id(one))
        return lost | set(called.values())


class Digest:
    """Grows message by message over model, system, tools and messages."""

    def __init__(self, ask: Ask | Prompt) -> None:
        self._hash = hashlib.blake2b(_bytes([ask.model, ask.system or "", list(ask.tools)]), digest_size=32)
        self._parts: list[bytes] = []

    def add(self, message: Block) -> None:
        """Count one more message in. Text, nearly all there is, is taken as it is: that is quicker."""
        self._parts.append(b"\0u" if message["role"] == "user" else b"\0a")
        for block in message["content"]:
            is_text = len(block) == 2 and block["type"] == "text" and next(iter(block)) == "type"
            part = block["text"].encode("utf-8", "surrogatepass") if is_text else _bytes(block)
            self._parts += ((b"\0t%d\0" if is_text else b"\0b%d\0") % len(part), part)

    @property
    def value(self) -> str:
        """The digest so far, in hex."""
        self._hash.update(b"".join(self._parts))
        self._parts.clear()
        return self._hash.copy().hexdigest()


def render(path: Sequence[Entry], ask: Ask) -> Transcript:
    """The messages for a path on which anything may have happened."""
    digest, messages, thinking_ids = Digest(ask), list[dict[str, Any]](), dict[str, None]()
    ends: dict[int, tuple[int, int]] = {}
    for said in paired(merged(_pieces_of(path))):
        bound_to = digest.value
        kept = [one for one in said.pieces if one.type not in THINKING or _is_bound(one, said, bound_to)]
        thinking_ids.update((one.entry.id, None) for one in kept if one.type in THINKING)
        ends.update((one.entry.depth, (len(messages), at)) for at, one in enumerate(kept) if one.may_be_last)
        messages.append({"role": said.role, "content": [one.block for one in kept]})
        digest.add(messages[-1])
    return Transcript(messages, digest.value, tuple(thinking_ids), ends)


def sent(path: Sequence[Entry]) -> dict[int, list[Block]]:
    """What of each message is sent, by its depth; also thinking that will be left out."""
    found: dict[int, list[Block]] = {}
    for said in paired(merged(_pieces_of(path))):
        for one in said.pieces:
            found.setdefault(one.entry.depth, []).append(one.block)
    return found


def merged(pieces: Iterable[Piece]) -> list[Said]:
    """One message for each run of a role, none before the user's first, and none that says nothing."""
    runs = [Said(role, _in_order(list(run))) for role, run in groupby(pieces, key=lambda one: one.entry.role)]
    kept = [one for one in runs if one.pieces]
    if len(kept) < len(runs):
        return merged(piece for one in kept for piece in one.pieces)
    return kept[1:] if kept and kept[0].role == "assistant" else kept


def paired(conversation: list[Said]) -> list[Said]:
    """Without tool calls that have no result in the next message, and results without a call before them."""
    open_ended = [Said("user", ()), *conversation, Said("user", ())]
    lost: set[int] = set()
    for before, after in pairwise(open_ended):
        asked, answered = before.ids("tool_use", "id"), after.ids("tool_result", "tool_use_id")
        lost |= before.without("tool_use", "id", answered) | after.without(
            "tool_result", "tool_use_id", asked
        )
        lost |= before.unpaired_on_the_server()
    if not lost:
        return conversation
    return paired(merged(piece for one in conversation for piece in one.pieces if id(piece) not in lost))


def _pieces_of(path: Sequence[Entry]) -> Iterable[Piece]:
    """The blocks of a path that go to Claude, without a second tool call or result of the same id."""
    seen: set[tuple[str, str]] = set()
    for entry in path:
        for at, block in enumerate(entry.content):
            kept, key = taken(entry.role, block), pair_key(block)
            if kept is None or key in seen:
                continue
            if key:
                seen.add(key)
            yield Piece(kept, entry, at)


def _in_order(pieces: list[Piece]) -> list[Piece]:
    """Tool results first; an answer that broke off in its thinking does not end in it."""
    while pieces and pieces[-1].type in THINKING:
        pieces = pieces[:-1]
    return sorted(pieces, key=lambda one: one.type != "tool_result")


def _is_bound(thinking: Piece, said: Said, bound_to: str) -> bool:
    entry, first = thinking.entry, said.pieces[0].entry
    is_signed = bool(thinking.block.get("signature") or thinking.block.get("data"))
    before = [one for one in said.pieces if one.entry is entry and one.at < thinking.at and one.is_unchanged]
    return is_signed and len(before) == thinking.at and entry is first and entry.bound_to == bound_to


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
