"""The values that go into a prompt and come out of it. Sizes are tokens of the model that is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.context.tariff import Tariff

if TYPE_CHECKING:
    from app.context.books import Expected
    from app.context.plan import Plan
    from app.context.state import State

Block = Mapping[str, Any]
Windows = Sequence[Sequence["Entry"]]


@dataclass(frozen=True)
class Quotation:
    """What was recalled, standing before the message at a depth; `depths` are those of what it quotes."""

    depth: int
    text: str
    depths: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the path. `bound_to`, on an answer, is the digest of what it was an answer to.

    `depth` is the distance from the root. `tokens` is its size without thinking: from Claude's own count
    where `is_counted`, else an estimate, `is_rough` where that was made before anything was learned; None
    where nobody has looked yet. An instruction is the server's own word on what stands before it, and is not
    kept. `quotation` is what was recalled when this answer was asked for, where that stays.
    """

    id: str
    role: str
    content: Sequence[Block]
    model: str | None = None
    bound_to: str | None = None
    is_instruction: bool = False
    depth: int = 0
    at: datetime | None = None
    tokens: int | None = None
    is_counted: bool = False
    is_rough: bool = False
    is_pinned: bool = False
    quotation: Quotation | None = None


@dataclass(frozen=True)
class Window:
    """What a model can hold, in tokens, and what its prompt cache costs.

    `tokens_factor` is how many tokens it makes where the newest tokenizer makes one.
    `usual_budget_tokens` is the input share where nobody names one; 0: all that the window leaves.
    """

    model: str
    window_tokens: int
    greatest_output_tokens: int
    tokens_factor: float = 1.0
    usual_budget_tokens: int = 0
    tariff: Tariff = field(default_factory=Tariff)


@dataclass(frozen=True)
class Ask:
    """The settings of one send. `budget_tokens` caps the input share; 0 leaves it to the model.

    `keep` is the part of the budget that a cut leaves; `recall_tokens` is for what is brought back of it.
    """

    model: str
    max_tokens: int
    system: str | None = None
    budget_tokens: int = 0
    tools: Sequence[Block] = ()
    keep: float = 0.5
    recall_tokens: int = 1_000


@dataclass(frozen=True)
class Summary:
    """What was said up to a depth of the path, in short. One that `is_due` is taken at once."""

    id: str
    text: str
    upto_depth: int
    tokens: int
    is_due: bool = False


def nothing_found(_text: str, _before_depth: int, _room_tokens: int) -> Windows:
    """A recall that finds nothing."""
    return ()


def nobody_counts(_request: dict[str, Any]) -> int | None:
    """A count that nobody gives."""
    return None


@dataclass(frozen=True)
class Past:
    """What a prompt is made from: the end of the path with the newest message last, and what is known of it.

    `state` is that of the newest answer on the path, whatever became of it. `path` reaches back at least to
    its cut; `pinned` are the pinned messages before the path. `summary` is the newest whose messages are all
    on the path, `adopted` the one that the last prompt held. `recall` finds windows of messages before a
    depth for a text, more than fill a room of so many tokens, the best first; `count` asks Claude how many
    tokens a request has, None where it can't. `correction` is above 1 where Claude counted so many times more
    than was expected of this very prompt. The `seed` is the state of another conversation of the same person,
    to begin with what was learned there.
    """

    path: Sequence[Entry]
    at: datetime
    state: State | None = None
    pinned: Sequence[Entry] = ()
    summary: Summary | None = None
    adopted: Summary | None = None
    recall: Callable[[str, int, int], Windows] = nothing_found
    count: Callable[[dict[str, Any]], int | None] = nobody_counts
    correction: float = 1.0
    seed: State | None = None


@dataclass(frozen=True)
class Marker:
    """Where the prompt cache is written up to: the end of a block of a message. `ttl` is `5m` or `1h`."""

    message: int
    block: int
    ttl: str


@dataclass(frozen=True)
class Prompt:
    """A Messages request, what it is bound to (see `rendering.Digest`), and how it came about.

    `thinking_ids` are the messages whose thinking goes back with it. `state` is what the next prompt is made
    from; `books.settled` makes it exact once Claude has counted, by what was `expected`. `quotations` stand
    before the turns at their depths, the `instruction` after all of it.
    """

    model: str
    max_tokens: int
    messages: Sequence[Block]
    bound_to: str
    plan: Plan
    state: State
    expected: Expected
    system: str | None = None
    tools: Sequence[Block] = field(default=())
    thinking_ids: Sequence[str] = ()
    markers: Sequence[Marker] = ()
    effort: str | None = None
    quotations: Sequence[Quotation] = ()
    instruction: str | None = None

    def as_request(self) -> dict[str, Any]:
        """The body for Claude, with markers for its prompt cache."""
        body: dict[str, Any] = {"model": self.model, "max_tokens": self.max_tokens}
        if self.tools:
            body["tools"] = [
                *self.tools[:-1],
                self.tools[-1] if self.system else _marked(self.tools[-1], "1h"),
            ]
        if self.effort:
            body["output_config"] = {"effort": self.effort}
        if self.system:
            body["system"] = [_marked({"type": "text", "text": self.system}, "1h")]
        return {**body, "messages": self._marked_messages()}

    @property
    def digest(self) -> str:
        """A hash of the body: two prompts with the same one are the same to the byte."""
        text = json.dumps(self.as_request(), ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def record(self) -> dict[str, Any]:
        """What was decided: enough to make the same prompt from the same messages again."""
        plan = self.plan
        return {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "effort": self.effort,
            "prompt_tokens": plan.prompt_tokens,
            "first_depth": plan.first_depth,
            "last_depth": plan.last_depth,
            "pinned_depths": [one.depth for one in plan.pinned],
            "summary_id": plan.summary.id if plan.summary else None,
            "quotations": [{"depth": one.depth, "text": one.text} for one in self.quotations],
            "instruction": self.instruction,
            "has_thinking": bool(self.thinking_ids),
            "markers": [[one.message, one.block, one.ttl] for one in self.markers],
            "bound_to": self.bound_to,
        }

    def _marked_messages(self) -> list[Block]:
        messages = [*self.messages]
        for marker in self.markers:
            content = [*messages[marker.message]["content"]]
            content[marker.block] = _marked(content[marker.block], marker.ttl)
            messages[marker.message] = {**messages[marker.message], "content": content}
        return messages


def _marked(block: Block, ttl: str) -> dict[str, Any]:
    return {**block, "cache_control": {"type": "ephemeral", "ttl": ttl}}
