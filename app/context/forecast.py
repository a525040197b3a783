"""What of a prompt the cache is expected to give, and what it will take in."""

from __future__ import annotations

from app.context.drawing import Drawing
from app.context.plan import Forecast
from app.context.scene import TTL_SECONDS


def cached(of: Drawing, total_tokens: int, marked_tokens: int) -> Forecast:
    """While the cache holds what it should. `marked_tokens` reach up to the last marker."""
    return _paid(of, _read_tokens(of), total_tokens, marked_tokens)


def uncached(of: Drawing, total_tokens: int, marked_tokens: int) -> Forecast:
    """Where it holds nothing."""
    return _paid(of, 0, total_tokens, marked_tokens)


def _read_tokens(of: Drawing) -> int:
    scene, state = of.scene, of.scene.state
    if state is None:
        return 0
    if of.is_continued and not scene.is_cold:
        return state.marked_tokens
    head = scene.base_tokens + of.preface.tokens
    is_same_head = scene.has_same_base and of.preface.blocks and state.preface_digest == of.preface.digest
    if is_same_head and not scene.is_cold and head >= scene.limits.tariff.minimum_tokens:
        return head
    is_kept = scene.silence_seconds < TTL_SECONDS["1h"] and scene.has_same_base
    return _base_tokens(of) if is_kept else 0


def _base_tokens(of: Drawing) -> int:
    """What of system and tools can be cached on its own."""
    base = of.scene.base_tokens
    return base if base >= of.scene.limits.tariff.minimum_tokens else 0


def _paid(of: Drawing, read: int, total: int, marked: int) -> Forecast:
    """Each token by its class: what is marked and not read is written, tools and system for an hour."""
    if marked < of.scene.limits.tariff.minimum_tokens:
        return Forecast(total)
    read = min(read, marked)
    hour = max(_base_tokens(of) - read, 0)
    rest = marked - read - hour
    if of.ttl == "1h":
        hour, rest = hour + rest, 0
    return Forecast(total - marked, read, rest, hour)
