"""Taking the thinking out of a prompt that Claude refused for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.context.blocks import THINKING
from app.context.rendering import Digest
from app.context.values import Marker, Prompt


def without_thinking(prompt: Prompt) -> Prompt:
    """The same prompt for a Claude that refused the thinking in it."""
    digest, messages = Digest(prompt), list[dict[str, Any]]()
    for message in prompt.messages:
        kept = [block for block in message["content"] if block["type"] not in THINKING]
        messages.append({**message, "content": kept})
        digest.add(messages[-1])
    markers = tuple(_moved(marker, prompt) for marker in prompt.markers)
    bare_tokens = prompt.state.prompt_tokens - prompt.state.thinking_tokens
    state = replace(prompt.state, prompt_tokens=bare_tokens, thinking_tokens=0, thinking_messages=0)
    return replace(
        prompt,
        messages=tuple(messages),
        bound_to=digest.value,
        thinking_ids=(),
        markers=markers,
        state=state,
    )


def _moved(marker: Marker, prompt: Prompt) -> Marker:
    """The marker at the same block, which now has fewer before it."""
    before = prompt.messages[marker.message]["content"][: marker.block]
    return replace(marker, block=marker.block - sum(block["type"] in THINKING for block in before))
