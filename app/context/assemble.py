"""The one entry: a path of messages, the newest last, becomes a prompt that fits the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.context import tokens, window
from app.context.blocks import THINKING
from app.context.rendering import Digest, render
from app.context.values import Ask, Entry, Plan, Prompt, Window
from app.errors import ContextOverflow, Fault, Invalid

MARGIN_TOKENS = 64


def assemble(path: Sequence[Entry], ask: Ask, limits: Window) -> Prompt:
    """The prompt for the newest message of the path, which is its last entry.

    The oldest whole turns are left out where the path is larger than the input share. Where the newest turn
    alone is, raises ContextOverflow, which names what takes the room.
    """
    max_tokens = min(ask.max_tokens, limits.greatest_output_tokens)
    share = input_share_tokens(ask, limits, max_tokens)
    system = tokens.of_text(ask.system, limits.tokens_factor) if ask.system else 0
    sizes = [tokens.of_content(entry.content, limits.tokens_factor) for entry in path]
    start = window.first_kept(path, sizes, share - system)
    plan = Plan(
        input_share_tokens=share,
        system_tokens=system,
        history_tokens=sum(sizes[start:-1]),
        new_tokens=sizes[-1],
        first_kept_id=path[start].id,
        left_out_ids=tuple(entry.id for entry in path[:start]),
    )
    _check(plan, max_tokens, limits)
    transcript = render(path[start:], ask)
    if not transcript.messages or transcript.messages[-1]["role"] != "user":
        raise Invalid(
            "Nothing of the newest message can be sent: a tool_result must answer a tool_use of the answer "
            "before it, and text must not be blank.",
            faults=[Fault("/content", "holds nothing that can be sent")],
        )
    return Prompt(
        model=ask.model,
        max_tokens=max_tokens,
        messages=tuple(transcript.messages),
        bound_to=transcript.bound_to,
        plan=plan,
        system=ask.system,
        tools=ask.tools,
        thinking_ids=transcript.thinking_ids,
    )


def without_thinking(prompt: Prompt) -> Prompt:
    """The same prompt for a Claude that refused the thinking in it."""
    digest, messages = Digest(prompt), list[dict[str, Any]]()
    for message in prompt.messages:
        kept = [block for block in message["content"] if block["type"] not in THINKING]
        messages.append({**message, "content": kept})
        digest.add(messages[-1])
    return replace(prompt, messages=tuple(messages), bound_to=digest.value, thinking_ids=())


def input_share_tokens(ask: Ask, limits: Window, max_tokens: int) -> int:
    """What of the window is for input: all but the output share and a margin, at most the budget."""
    share = limits.window_tokens - max_tokens - MARGIN_TOKENS
    return min(share, ask.budget_tokens) if ask.budget_tokens else share


def _check(plan: Plan, max_tokens: int, limits: Window) -> None:
    needed = plan.system_tokens + plan.history_tokens + plan.new_tokens
    if needed <= plan.input_share_tokens:
        return
    raise ContextOverflow(
        f"It needs about {needed} tokens; {plan.input_share_tokens} of the {limits.window_tokens} of "
        f"{limits.model} are for input: shorten it, lower max_tokens, or take another model.",
        faults=[
            Fault("/content", f"the new message: about {plan.new_tokens} tokens"),
            Fault("/system", f"the system prompt: about {plan.system_tokens} tokens"),
            Fault("/max_tokens", f"kept for the answer: {max_tokens} tokens"),
        ],
    )
