"""What a prompt may cost before it is sent."""

from __future__ import annotations

from dataclasses import dataclass

from app.billing.costs import cost_nano_usd
from app.billing.prices import Prices
from app.billing.usage import Usage
from app.context import Prompt
from app.services import prices


@dataclass(frozen=True)
class Quote:
    """In nano-USD. `forecast` is what the prompt is expected to be paid as, without its answer."""

    price_version: str
    least: int
    expected: int
    greatest: int
    forecast: Usage


def of(prompt: Prompt) -> Quote:
    """Least: all that is marked is read, and one token answered. Greatest: nothing is, and it is full.

    Raises ModelNotPriced.
    """
    found = prices.needed(prompt.model)
    cached = prompt.plan.cached
    forecast = Usage(**vars(cached))
    expected = Usage(**vars(cached), output_tokens=expected_output_tokens(prompt))
    return Quote(
        found.version,
        cost_nano_usd(found, _least(prompt)),
        cost_nano_usd(found, expected),
        greatest_nano_usd(found, prompt),
        forecast,
    )


def expected_output_tokens(prompt: Prompt) -> int:
    """What answers took in this conversation so far, within what this one may."""
    return min(prompt.plan.answer_tokens, prompt.max_tokens)


def greatest_nano_usd(found: Prices, prompt: Prompt) -> int:
    """Every token at each price it may be written for, and as plain input; the dearest."""
    tokens, output = prompt.plan.greatest_tokens, prompt.max_tokens
    has_hour = any(one.ttl == "1h" for one in prompt.markers) or bool(prompt.system or prompt.tools)
    all_of_it = [
        Usage(input_tokens=tokens, output_tokens=output),
        Usage(cache_read_tokens=tokens, output_tokens=output),
        Usage(cache_write_5m_tokens=tokens, output_tokens=output),
        *([Usage(cache_write_1h_tokens=tokens, output_tokens=output)] if has_hour else []),
    ]
    return max(cost_nano_usd(found, one) for one in all_of_it)


def affordable_output_tokens(prompt: Prompt, most_nano_usd: int) -> int:
    """How long an answer may be so that it costs no more with the prompt; below nothing: not even that."""
    found = prices.needed(prompt.model)
    tier = found.tier(prompt.plan.greatest_tokens, None)
    total = greatest_nano_usd(found, prompt)
    if not tier.output_nano_usd:
        return prompt.max_tokens if total <= most_nano_usd else -1
    input_nano_usd = total - prompt.max_tokens * tier.output_nano_usd
    return min(prompt.max_tokens, (most_nano_usd - input_nano_usd) // tier.output_nano_usd)


def _least(prompt: Prompt) -> Usage:
    uncached = prompt.plan.uncached
    doubt = prompt.plan.greatest_tokens - prompt.plan.prompt_tokens
    written = uncached.cache_write_5m_tokens + uncached.cache_write_1h_tokens
    rest = max(uncached.input_tokens - doubt, 0)
    return Usage(rest, max(written - doubt, 0), output_tokens=1)
