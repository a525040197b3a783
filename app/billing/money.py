"""Amounts: whole nano-USD inside, decimal numbers of dollars for people."""

from __future__ import annotations

NANO_PER_USD = 10**9


def usd(nano_usd: int) -> str:
    """An amount as a decimal number of dollars: 2000 is `0.000002`."""
    whole, rest = divmod(abs(nano_usd), NANO_PER_USD)
    text = f"{whole}.{rest:09d}".rstrip("0") if rest else str(whole)
    return f"-{text}" if nano_usd < 0 else text
