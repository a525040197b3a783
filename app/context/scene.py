"""What a prompt is decided on: the past, the settings, and the sizes of everything before anything is cut."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from app.context import sizes, tokens, window
from app.context.plain import is_plain
from app.context.rates import PRIOR, Rates
from app.context.silences import BRIEF_SECONDS, MIDDLING_SECONDS, Silences
from app.context.sizes import Sizes
from app.context.split import Split, split
from app.context.state import USUAL_ANSWER_TOKENS, USUAL_TURN_TOKENS, State
from app.context.tokens import Features, added
from app.context.values import Ask, Past, Window

TTL_SECONDS = {"5m": BRIEF_SECONDS, "1h": MIDDLING_SECONDS}


@dataclass(frozen=True)
class Scene:
    """Everything that the next prompt depends on. `state` is in the tokens of the model that is asked."""

    past: Past
    ask: Ask
    limits: Window
    split: Split
    state: State | None
    rates: Rates
    sizes: Sizes

    @cached_property
    def newest(self) -> int:
        """The index at which the newest turn begins."""
        return window.newest_start(self.past.path)

    @cached_property
    def base_digest(self) -> str:
        """What system and tools are."""
        return digest_of([self.ask.model, self.ask.system or "", list(self.ask.tools)])

    @cached_property
    def has_same_base(self) -> bool:
        """Whether system and tools are those of the prompt before."""
        return self.state is not None and self.state.base_digest == self.base_digest

    @cached_property
    def system_tokens(self) -> int:
        """The expected tokens of the system prompt."""
        return round(self.rates.estimate(tokens.features_of_text(self.ask.system))) if self.ask.system else 0

    @cached_property
    def base_tokens(self) -> int:
        """The expected tokens of system and tools, and of what cannot be told apart from them."""
        if self.state and self.has_same_base:
            return round(self.state.base_tokens * self.past.correction)
        return round(self.rates.estimate(self.base_features))

    @cached_property
    def base_features(self) -> Features:
        """What an estimate of system and tools is made from."""
        found = tokens.features_of_text(self.ask.system or "")
        for one in self.ask.tools:
            found = added(found, tokens.features_of_text(json.dumps(one, ensure_ascii=False)))
        return found

    @cached_property
    def thinking_tokens(self) -> int:
        """The expected tokens of all thinking that may go back, while nothing is cut."""
        fresh = sum(sizes.of_thinking(self.past.path[at], self.rates) for at in self.sizes.fresh)
        return fresh + (self.state.thinking_tokens if self.state else 0)

    def fresh_doubt_tokens(self, start: int) -> int:
        """By how much what Claude has not seen yet, from an index on, may be larger than expected."""
        doubtful = self.sizes.doubtful_from(start)
        if self.state is None:
            doubtful = added(doubtful, self.base_features)
        return math.ceil(self.rates.greatest(doubtful) - self.rates.estimate(doubtful))

    @property
    def silence_seconds(self) -> float:
        """How long ago Claude was last asked."""
        return (self.past.at - self.state.asked_at).total_seconds() if self.state else float("inf")

    @cached_property
    def is_cold(self) -> bool:
        """Whether the cache holds nothing of the conversation any more."""
        return (
            self.state is None or self.silence_seconds >= TTL_SECONDS[self.state.ttl] or self.is_other_model
        )

    @property
    def is_other_model(self) -> bool:
        """Whether the cache is another model's."""
        return self.past.state is not None and self.past.state.model != self.ask.model

    @cached_property
    def silences(self) -> Silences:
        """How long the silences were, this one included."""
        if self.state is None:
            return self.past.seed.silences if self.past.seed else Silences()
        return self.state.silences.after(self.silence_seconds)

    @property
    def is_in_tool_loop(self) -> bool:
        """Whether the newest message hands in what tools found."""
        return self.newest < len(self.past.path) - 1 and not self.past.path[-1].is_instruction

    @property
    def tokens_a_turn(self) -> float:
        """By how much the history grows with a turn."""
        known = self.state or self.seed
        return known.tokens_a_turn if known else USUAL_TURN_TOKENS

    @property
    def answer_tokens(self) -> float:
        """What answers take."""
        known = self.state or self.seed
        return known.answer_tokens if known else USUAL_ANSWER_TOKENS

    @cached_property
    def seed(self) -> State | None:
        """What was learned elsewhere, in the tokens of the model that is asked."""
        seed = self.past.seed
        return seed.rescaled(self.ask.model, self.limits.tokens_factor) if seed else None

    def size_of(self, entries: slice) -> int:
        """The expected tokens of a part of the path."""
        return sum(self.sizes.tokens[entries])


def beginning_at(start: int, scene: Scene) -> Scene:
    """The same where what stands before an index is left out: a tool's call may be sent or not by that."""
    if start == 0 or all(is_plain(one) for one in scene.past.path):
        return scene
    past, state = scene.past, scene.state
    found = sizes.measured(past.path, state, _rates(past, state, scene.ask, scene.limits), start)
    return replace(scene, sizes=found.times(past.correction))


def seen(past: Past, ask: Ask, limits: Window) -> Scene:
    """What there is to decide on."""
    state = past.state.rescaled(ask.model, limits.tokens_factor) if past.state else None
    rates = _rates(past, state, ask, limits)
    found = sizes.measured(past.path, state, rates)
    if past.correction != 1:
        rates = rates.rescaled(past.correction)
        found = found.times(past.correction)
    return Scene(past, ask, limits, split(ask, limits), state, rates, found)


def _rates(past: Past, state: State | None, ask: Ask, limits: Window) -> Rates:
    if state:
        return state.rates
    if past.seed:
        return past.seed.rescaled(ask.model, limits.tokens_factor).rates
    return PRIOR.rescaled(limits.tokens_factor)


def digest_of(value: Any) -> str:
    """A short digest of a JSON value."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
