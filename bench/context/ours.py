"""What our own context costs: the product's `assemble`, its state carried from request to request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from app.claude.rules.models import Model
from app.context import Ask, Counted, Entry, Past, Prompt, Settled, State, Window, assemble, settled
from app.context.tariff import Tariff
from bench.context.accounts import Till
from bench.context.baselines import Request, requests
from bench.context.conversations import Conversation, Message
from bench.context.traces import Setting

BEGAN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MOST_OUTPUT_TOKENS = 4_000
WINDOWS = 16


@dataclass(frozen=True)
class Ours:
    """The product as it is. `recall_tokens` are what it may bring back in each request after a cut."""

    recall_tokens: int = 0

    def cost_tokens(self, conversation: Conversation, setting: Setting, till: Till) -> float:
        """What the conversation costs, in tokens of plain input."""
        for _ in self.prompts(conversation, setting, till):
            pass
        return till.cost_tokens

    def first_turns(self, conversation: Conversation, setting: Setting, till: Till) -> Iterator[int]:
        """The first turn that is kept, at each request."""
        depths = list(accumulate((len(turn.messages) for turn in conversation.turns), initial=0))
        for _, prompt in self.prompts(conversation, setting, till):
            yield depths.index(prompt.plan.first_depth)

    def prompts(
        self, conversation: Conversation, setting: Setting, till: Till
    ) -> Iterator[tuple[Request, Prompt]]:
        """Each request and what was sent for it."""
        limits = Window(setting.model, till.model.window_tokens, till.model.output_tokens, tariff=till.tariff)
        story = Story(_ask(conversation, setting, self.recall_tokens), limits, till)
        for request in requests(conversation):
            till.now_seconds += request.seconds
            story.hear(request.turn.messages[request.said - 1])
            prompt = story.prompt()
            story.settle(prompt, request.turn.messages[request.said], request.turn.tokens[request.said])
            yield request, prompt


class Story:
    """A path that grows, as the database would hold it."""

    def __init__(self, ask: Ask, limits: Window, till: Till) -> None:
        self._ask, self._limits, self._till = ask, limits, till
        self._path: list[Entry] = []
        self._state: State | None = None

    def hear(self, message: Message, **known: Any) -> None:
        """One more message."""
        depth = len(self._path)
        self._path.append(Entry(str(depth), message["role"], message["content"], depth=depth, **known))

    def prompt(self) -> Prompt:
        """What is sent for the newest message."""
        start = self._state.start_depth if self._state else 0
        at = BEGAN + timedelta(seconds=self._till.now_seconds)
        past = Past(self._path[start:], at, self._state, recall=self._recalled, count=self._till.count)
        return assemble(past, self._ask, self._limits)

    def settle(self, prompt: Prompt, answer: Message, tokens: int) -> None:
        """Pay, keep the books, and hear the answer."""
        account = self._till.charge(prompt.as_request())
        cached = account.read_tokens + account.written_5m_tokens + account.written_1h_tokens
        said = Counted(account.prompt_tokens, cached, tokens, content=answer["content"])
        done: Settled = settled(prompt, said)
        for id_, size in done.counted.items():
            self._path[int(id_)] = replace(self._path[int(id_)], tokens=size, is_counted=True)
        self._state = done.state
        self.hear(answer, tokens=done.answer_tokens, quotation=done.quotation)

    def _recalled(self, _text: str, before_depth: int, _room_tokens: int) -> Sequence[Sequence[Entry]]:
        """Pairs of messages from all over what was cut: what is in them makes no difference here."""
        step = max(before_depth // WINDOWS, 2) // 2 * 2
        return [self._path[at : at + 2] for at in range(0, before_depth - 1, step)]


def tariff_of(setting: Setting, model: Model) -> Tariff:
    """The prices under a setting."""
    return Tariff(read=setting.read, minimum_tokens=model.cache_minimum_tokens)


def _ask(conversation: Conversation, setting: Setting, recall_tokens: int) -> Ask:
    head: dict[str, Any] = conversation.head
    return Ask(
        setting.model,
        MOST_OUTPUT_TOKENS,
        system=head["system"][0]["text"],
        budget_tokens=setting.budget_tokens,
        tools=head.get("tools", ()),
        recall_tokens=recall_tokens,
    )
