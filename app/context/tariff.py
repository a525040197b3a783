"""What a model's prompt cache costs, as multiples of plain input, and the least that is cached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tariff:
    """The price of a token that is read, or written for five minutes or an hour, where plain input is 1.

    A prefix of fewer than `minimum_tokens` is not cached.
    """

    read: float = 0.1
    write_5m: float = 1.25
    write_1h: float = 2.0
    minimum_tokens: int = 1024

    def write(self, ttl: str) -> float:
        """The price of writing a token that lives for `ttl`."""
        return self.write_1h if ttl == "1h" else self.write_5m
