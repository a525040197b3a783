"""The arithmetic of the ledger: double entry, so that what leaves one account enters another.

Money stands in the `budget`, is `reserved` before a call, and is `spent` after it. Amounts are nano-USD.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

BUDGET, RESERVED, SPENT = "budget", "reserved", "spent"
# From which account to which: more than was reserved is spent by an adjustment.
ACCOUNTS = {
    "reserve": (BUDGET, RESERVED),
    "settle": (RESERVED, SPENT),
    "release": (RESERVED, BUDGET),
    "adjust": (BUDGET, SPENT),
}
KINDS = tuple(ACCOUNTS)


@dataclass(frozen=True)
class Movement:
    """An amount that goes from the account `debit` to the account `credit`."""

    kind: str
    amount_nano_usd: int

    @property
    def debit(self) -> str:
        """The account that it leaves."""
        return ACCOUNTS[self.kind][0]

    @property
    def credit(self) -> str:
        """The account that it enters."""
        return ACCOUNTS[self.kind][1]


def reservation(amount_nano_usd: int) -> list[Movement]:
    """Before a call: the most that it may cost."""
    return [Movement("reserve", amount_nano_usd)]


def settlement(reserved_nano_usd: int, cost_nano_usd: int) -> list[Movement]:
    """After it: what it cost, what is left of the reservation, and what it cost beyond."""
    settled = min(reserved_nano_usd, cost_nano_usd)
    left, beyond = reserved_nano_usd - settled, cost_nano_usd - settled
    found = [Movement("settle", settled)]
    found += [Movement("release", left)] if left else []
    return [*found, *([Movement("adjust", beyond)] if beyond else [])]


def release(reserved_nano_usd: int) -> list[Movement]:
    """Where nothing was used."""
    return [Movement("release", reserved_nano_usd)]


def balances(movements: Iterable[Movement]) -> dict[str, int]:
    """What stands in each account after these, where all began at nothing; the sum is nothing again."""
    found: Counter[str] = Counter({BUDGET: 0, RESERVED: 0, SPENT: 0})
    for one in movements:
        found[one.debit] -= one.amount_nano_usd
        found[one.credit] += one.amount_nano_usd
    return dict(found)
