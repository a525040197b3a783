"""Counting tokens before sending: an estimate of our own, or Claude's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.context import Entry, tokens
from app.context.rendering import render
from app.extensions import claude
from app.services.models import window_of
from app.services.settings import Wishes, settle


@dataclass(frozen=True)
class Count:
    """How many tokens, and how that is known: `estimate` or `exact`."""

    input_tokens: int
    method: str


def count(messages: list[dict[str, Any]], wishes: Wishes, is_exact: bool) -> Count:
    """The input tokens of these messages (role, content) and the system prompt."""
    ask = settle(wishes)
    if is_exact:
        entries = [Entry("", one["role"], one["content"]) for one in messages]
        body: dict[str, Any] = {"model": ask.model, "messages": render(entries, ask).messages}
        return Count(claude().count_tokens({**body, "system": ask.system} if ask.system else body), "exact")
    factor = window_of(ask.model).tokens_factor
    system = tokens.of_text(ask.system, factor) if ask.system else 0
    return Count(system + sum(tokens.of_content(one["content"], factor) for one in messages), "estimate")
