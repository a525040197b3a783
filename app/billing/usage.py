"""What a call used, by the classes that it is paid by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

MOST_TOKENS = 2**31 - 1
LONGEST_SPEED = 16


@dataclass(frozen=True)
class Usage:
    """Tokens by class, as they are paid for: thinking is part of the output. `speed` is Claude's word."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    web_searches: int = 0
    speed: str | None = None

    @property
    def prompt_tokens(self) -> int:
        """The whole prompt."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    @property
    def tokens(self) -> dict[str, int]:
        """The five classes of tokens by name: the columns of every table that keeps them."""
        return {name: getattr(self, name) for name in CLASSES}

    @classmethod
    def from_claude(cls, usage: dict[str, Any]) -> Usage:
        """From Claude's words; what was written to the cache beyond the 5m/1h split is 5m."""
        split = _dict(usage.get("cache_creation"))
        five_minutes = count_of(split.get("ephemeral_5m_input_tokens"))
        one_hour = count_of(split.get("ephemeral_1h_input_tokens"))
        written = count_of(usage.get("cache_creation_input_tokens"))
        return cls(
            input_tokens=count_of(usage.get("input_tokens")),
            cache_read_tokens=count_of(usage.get("cache_read_input_tokens")),
            cache_write_5m_tokens=max(written - one_hour, five_minutes),
            cache_write_1h_tokens=one_hour,
            output_tokens=count_of(usage.get("output_tokens")),
            web_searches=count_of(_dict(usage.get("server_tool_use")).get("web_search_requests")),
            speed=_speed(usage.get("speed")),
        )


CLASSES = tuple(one.name for one in fields(Usage) if one.name.endswith("_tokens"))


def count_of(value: Any) -> int:
    """A number of Claude's, within what a column holds; 0 for what is none."""
    return min(max(value, 0), MOST_TOKENS) if isinstance(value, int) else 0


def _speed(value: Any) -> str | None:
    is_kept = isinstance(value, str) and value.isascii() and value.isprintable()
    return str(value) if is_kept and len(value) <= LONGEST_SPEED else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
