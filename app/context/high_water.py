"""How far a history may grow, and to what it is cut: seldom and deep is cheaper than a little each turn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.context.tariff import Tariff


@dataclass(frozen=True)
class Room:
    """The budget of a prompt, what of it is taken before any history (the head), and the share to keep."""

    budget_tokens: int
    head_tokens: int = 0
    keep: float = 0.5

    @property
    def kept_tokens(self) -> int:
        """What is left of the history by a cut, so that head and history are the share to keep."""
        return max(int(self.keep * self.budget_tokens) - self.head_tokens, 0)


def marks(
    room: Room, tokens_a_request: float, tariff: Tariff, ttl: str, summary_tokens: float = 0
) -> tuple[int, int]:
    """What of the history a cut leaves, and how large the whole prompt may be before it is cut, in tokens.

    A cut writes what it leaves anew, and `summary_tokens` are the price of a summary; every request until the
    next cut reads what has grown since. At the high-water mark both cost the same.
    """
    kept = room.kept_tokens
    price_of_cut = (tariff.write(ttl) - tariff.read) * kept + summary_tokens
    growth = math.sqrt(2 * max(tokens_a_request, 1.0) * price_of_cut / tariff.read)
    return kept, min(room.budget_tokens, room.head_tokens + kept + int(growth))
