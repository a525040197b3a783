"""What others send: a window over the last whole turns, with automatic caching or without any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from bench.context.accounts import Till
from bench.context.conversations import Conversation, Message, Spoken
from bench.context.traces import Setting

AUTOMATIC = {"type": "ephemeral"}


@dataclass(frozen=True)
class Window:
    """Where the prompt would be over the budget, whole oldest turns are left out.

    As few as will do; or, where `is_deep`, until half of the budget is used.
    """

    has_cache: bool = True
    is_deep: bool = False

    def cost_tokens(self, conversation: Conversation, setting: Setting, till: Till) -> float:
        """What the conversation costs, in tokens of plain input."""
        first = 0
        for request in requests(conversation):
            till.now_seconds += request.seconds
            if request.tokens_from(first) > setting.budget_tokens:
                first = self._first(request, first, setting.budget_tokens)
            till.charge(self._body(conversation.head, request.messages_from(first), setting.model))
        return till.cost_tokens

    def _first(self, request: Request, first: int, budget_tokens: int) -> int:
        most = budget_tokens // 2 if self.is_deep else budget_tokens
        new_tokens = 0 if self.is_deep else request.new_tokens
        while first < request.at and request.tokens_from(first) - request.new_tokens + new_tokens > most:
            first += 1
        while first < request.at and request.tokens_from(first) > budget_tokens:
            first += 1
        return first

    def _body(self, head: dict[str, Any], messages: list[Message], model: str) -> dict[str, Any]:
        marker = {"cache_control": AUTOMATIC} if self.has_cache else {}
        return {"model": model, **head, "messages": messages, **marker}


@dataclass(frozen=True)
class Request:
    """One request of the turn number `at`, of which the first `said` messages are sent."""

    conversation: Conversation
    sums: tuple[int, ...]
    at: int
    said: int

    @property
    def turn(self) -> Spoken:
        return self.conversation.turns[self.at]

    @property
    def seconds(self) -> float:
        """Since the request before."""
        return self.turn.seconds[self.said // 2]

    @property
    def new_tokens(self) -> int:
        """What is sent of the turn itself."""
        return sum(self.turn.tokens[: self.said])

    def history_from(self, first: int) -> int:
        """The tokens of the turns before, from a turn on."""
        return self.sums[self.at] - self.sums[first]

    def tokens_from(self, first: int) -> int:
        """The tokens of the prompt whose history begins with a turn."""
        return self.conversation.head_tokens + self.history_from(first) + self.new_tokens

    def messages_from(self, first: int) -> list[Message]:
        """The messages of that prompt."""
        before = [message for turn in self.conversation.turns[first : self.at] for message in turn.messages]
        return [*before, *self.turn.messages[: self.said]]


def requests(conversation: Conversation) -> Iterator[Request]:
    """All requests of a conversation, one after the other."""
    sums = tuple(accumulate((turn.turn_tokens for turn in conversation.turns), initial=0))
    for at, turn in enumerate(conversation.turns):
        for said in range(1, len(turn.messages), 2):
            yield Request(conversation, sums, at, said)


NAIVE = Window(has_cache=False)
SLIDING = Window()
HALF = Window(is_deep=True)
