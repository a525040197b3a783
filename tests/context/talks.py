"""A conversation on one path, kept as the services keep it: the last state, sizes as they are settled."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.claude.rules import models
from app.claude.simulator.cache_accounts import measure
from app.claude.simulator.counting import block_tokens
from app.context import Ask, Counted, Entry, Past, Prompt, Settled, State, Summary, Window, assemble, settled
from app.context.values import Block, Windows, nothing_found

MODEL = "claude-sonnet-5-5"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LARGE = Window(MODEL, window_tokens=1_000_000, greatest_output_tokens=128_000)
SMALL = Window(MODEL, window_tokens=2_000, greatest_output_tokens=500)
ASK = Ask(MODEL, max_tokens=400)
Rule = Callable[[dict[str, Any]], int]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def thinking(signature: str = "sig", thought: str = "") -> dict[str, Any]:
    return {"type": "thinking", "thinking": thought, "signature": signature}


def call(id_: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "t", "input": {}}


def result(id_: str, found: str = "ok") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": found}


def user(words: str, depth: int = 0, **values: Any) -> Entry:
    return Entry(f"m{depth}", "user", [text(words)], depth=depth, **values)


def answer(*blocks: dict[str, Any], depth: int = 1, model: str = MODEL, **values: Any) -> Entry:
    return Entry(f"m{depth}", "assistant", list(blocks), model, depth=depth, **values)


def turns(count: int, words: str = "word " * 50, first: int = 0) -> list[Entry]:
    """A path of questions and answers of the same words."""
    return [
        one
        for at in range(first, first + 2 * count, 2)
        for one in (user(words, at, at=NOW), answer(text(words), depth=at + 1, at=NOW))
    ]


def in_line(*entries: Entry) -> list[Entry]:
    """The entries as one path from the root."""
    return [replace(one, depth=depth) for depth, one in enumerate(entries)]


def past(*entries: Entry, at: datetime = NOW, state: State | None = None, **values: Any) -> Past:
    return Past(list(entries), at, state, **values)


def assembled(*entries: Entry, ask: Ask = ASK, limits: Window = LARGE, **values: Any) -> Prompt:
    """The prompt for a path from the root of which nothing else is known."""
    return assemble(past(*in_line(*entries), **values), ask, limits)


def kinds(prompt: Prompt) -> list[str]:
    return [block["type"] for one in prompt.messages for block in one["content"]]


def texts(prompt: Prompt) -> str:
    """All texts that are sent, in order."""
    return "\n".join(str(block.get("text", "")) for one in prompt.messages for block in one["content"])


def roles(prompt: Prompt) -> list[str]:
    return [str(one["role"]) for one in prompt.messages]


def counted(request: dict[str, Any]) -> int:
    """Claude's count: the simulator's."""
    known = models.find(request["model"])
    assert known is not None
    return measure(request, known).tokens


def spent(content: Sequence[Block], model: str = MODEL) -> int:
    """What an answer costs."""
    known = models.find(model)
    assert known is not None
    return sum(block_tokens(one, known) for one in content)


@dataclass
class Talk:
    """Goes on turn by turn; `rule` is how Claude counts, `heard` all prompts with Claude's count of them."""

    ask: Ask = ASK
    limits: Window = LARGE
    rule: Rule = counted
    recall: Callable[[str, int, int], Windows] = nothing_found
    path: list[Entry] = field(default_factory=list)
    state: State | None = None
    at: datetime = NOW
    summaries: list[Summary] = field(default_factory=list)
    heard: list[tuple[Prompt, int]] = field(default_factory=list)

    def turn(self, said: str | list[dict[str, Any]], *answers: dict[str, Any], seconds: float = 30) -> Prompt:
        """Say something, and keep what is said to it."""
        self.at += timedelta(seconds=seconds)
        blocks = [text(said)] if isinstance(said, str) else said
        newest = Entry(f"m{len(self.path)}", "user", blocks, depth=len(self.path), at=self.at)
        prompt = self.prompt_for(newest)
        truth = self.rule(prompt.as_request())
        sizes = dict(prompt.expected.fresh)
        self.path.append(replace(newest, tokens=sizes.get(newest.id)))
        self.heard.append((prompt, truth))
        self.keep(prompt, truth, list(answers))
        return prompt

    def prompt_for(self, newest: Entry) -> Prompt:
        """What would be sent for it now."""
        return assemble(self.past(newest), self.ask, self.limits)

    def past(self, newest: Entry) -> Past:
        start = self.state.start_depth if self.state else 0
        pinned = [one for one in self.path[:start] if one.is_pinned]
        last = self.summaries[-1] if self.summaries else None
        adopted = next(
            (one for one in self.summaries if self.state and one.id == self.state.summary_id), None
        )
        path = [*self.path[start:], newest]
        return Past(path, self.at, self.state, pinned, last, adopted, recall=self.recall)

    def keep(self, prompt: Prompt, truth: int, content: list[dict[str, Any]]) -> Settled:
        """Store an answer and what Claude's count tells."""
        thought, said = (
            self._spent([one for one in content if one["type"] == "thinking"]),
            self._spent(content),
        )
        found = settled(prompt, Counted(truth, truth, said, thought, content))
        self.path = [
            replace(one, tokens=found.counted[one.id], is_counted=True) if one.id in found.counted else one
            for one in self.path
        ]
        stored = json.loads(json.dumps(found.state.as_json()))
        self.state = State.from_json(stored)
        depth = len(self.path)
        self.path.append(
            Entry(
                f"m{depth}",
                "assistant",
                content,
                prompt.model,
                prompt.bound_to,
                depth=depth,
                at=self.at,
                tokens=found.answer_tokens,
                quotation=found.quotation,
            )
        )
        return found

    def _spent(self, content: list[dict[str, Any]]) -> int:
        if not content:
            return 0
        return self.rule({"model": self.ask.model, "messages": [{"role": "assistant", "content": content}]})

    def pin(self, depth: int) -> None:
        self.path[depth] = replace(self.path[depth], is_pinned=True)
