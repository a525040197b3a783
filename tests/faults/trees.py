"""A session as it is stored, without a database: messages, states, sizes, read and written as services do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from app.context import Ask, Counted, Entry, Prompt, State, Summary, Window, settled
from app.context.split import split
from app.context.tokens import of_content
from app.services import pasts
from app.services.pasts import Known
from app.turns.reply import Reply
from tests.faults.contents import Block

ROWS_A_READ = 8  # fewer than the services take, so that a path is seldom read whole


@dataclass(frozen=True)
class Node:
    """A message with the columns that a prompt is made from. `is_broken` where it may be continued."""

    id: str
    parent: str | None
    role: str
    content: Sequence[Block]
    depth: int
    created_at: datetime
    model: str | None = None
    bound_to: str | None = None
    is_broken: bool = False
    is_pinned: bool = False
    tokens: int | None = None
    estimated_tokens: int | None = None
    tokens_model: str | None = None
    context_state: dict[str, Any] | None = None
    recalled: dict[str, Any] | None = None


@dataclass
class Tree:
    """All messages of a session, where it stands, and its summaries with the message each reaches to."""

    nodes: dict[str, Node] = field(default_factory=dict)
    head: str | None = None
    summaries: list[tuple[str, Summary]] = field(default_factory=list)

    def put(self, node: Node) -> None:
        """Add a message; the session goes on from it."""
        self.nodes[node.id] = node
        self.head = node.id

    def change(self, id_: str, **values: Any) -> None:
        """Give a message other values, if it is still there."""
        if id_ in self.nodes:
            self.nodes[id_] = replace(self.nodes[id_], **values)

    def depth_after(self, parent: str | None) -> int:
        """The depth of a message that follows."""
        return self.nodes[parent].depth + 1 if parent else 0

    def cut_off(self, node: Node) -> None:
        """Delete a message and all that follows from it."""
        gone = {node.id}
        for one in self.nodes.values():
            if one.parent in gone:
                gone.add(one.id)
        self.nodes = {id_: one for id_, one in self.nodes.items() if id_ not in gone}
        self.summaries = [one for one in self.summaries if one[0] not in gone]
        self.head = node.parent if self.head in gone else self.head

    def path(self, at: str | None) -> list[Node]:
        """From the root to a message."""
        path = []
        while at is not None:
            path.append(self.nodes[at])
            at = self.nodes[at].parent
        return path[::-1]

    def known(self, head: str | None, limits: Window, ask: Ask, at: datetime) -> Known:
        """What is known of the path to a message: see `pasts.known`."""
        path = self.path(head)
        if not path:
            return Known(None, None, limits, at, [])
        stored = [one.context_state for one in path[-1 - pasts.NEAREST_STATE :] if one.context_state]
        state = State.from_json(stored[-1]) if stored else None
        entries = [pasts.entry_of(one, limits) for one in path]
        start = state.start_depth if state else _start(entries, split(ask, limits).input_tokens)
        summaries = self._summaries(path)
        adopted = next((one for one in summaries if state and one.id == state.summary_id), None)
        return Known(
            None,
            head,
            limits,
            at,
            entries[start:],
            state,
            tuple(one for one in entries[:start] if one.is_pinned),
            summaries[0] if summaries else None,
            adopted,
        )

    def settle(self, answer_id: str, prompt: Prompt, came: Reply) -> None:
        """Store the sizes that Claude's count tells: see `answers`."""
        used = came.usage
        if not (used and used.prompt_tokens):
            return
        cached = used.prompt_tokens - used.input_tokens
        said = Counted(used.prompt_tokens, cached, used.output_tokens, came.thinking_tokens, came.content)
        found = settled(prompt, said)
        for message_id, tokens in found.counted.items():
            self.change(message_id, tokens=tokens, tokens_model=prompt.model)
        self.change(
            answer_id,
            context_state=found.state.as_json(),
            recalled=asdict(found.quotation) if found.quotation else None,
            estimated_tokens=found.answer_tokens,
            tokens_model=prompt.model,
        )

    def _summaries(self, path: Sequence[Node]) -> list[Summary]:
        """Those that hold on a path, the one that reaches furthest first."""
        ids = {one.id for one in path}
        found = [summary for upto, summary in self.summaries if upto in ids]
        return sorted(found, key=lambda one: (one.upto_depth, one.id), reverse=True)


def _start(entries: Sequence[Entry], enough_tokens: int) -> int:
    """Where the end of a path begins that is more than enough."""
    start = len(entries)
    while start > 0 and enough_tokens >= 0:
        end, start = start, max(0, start - ROWS_A_READ)
        fresh = entries[start:end]
        enough_tokens -= sum(of_content(one.content) if one.tokens is None else one.tokens for one in fresh)
    return start
