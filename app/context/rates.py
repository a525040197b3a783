"""Rates that are learned: how many tokens each feature of a text takes, and how sure that is.

A Bayesian linear regression with the fixed rates as its prior: a Kalman update for each text whose tokens
Claude has told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul

from app.context.tokens import FIXED_RATES, NOTHING, Features, at_rates

Vector = Sequence[float]
Triangle = Sequence[Vector]  # row i has i + 1 numbers: the others mirror them

SIZE = len(FIXED_RATES)
# How far the true rates may lie from the fixed ones: each by itself, and all by one factor.
OWN_SPREADS = (0.18, 0.13, 0.35, 0.3, 0.45, 0.17, 0.45, 0.3, 1.3)
COMMON_SPREAD = 0.5
SPREADS = [math.hypot(own, COMMON_SPREAD * rate) for own, rate in zip(OWN_SPREADS, FIXED_RATES, strict=True)]
LEAST_SHIFTS = [-fixed / spread for fixed, spread in zip(FIXED_RATES, SPREADS, strict=True)]
# What rates do not catch of a text: some tokens, some for each of its tokens, a share of them.
NOISE_TOKENS, NOISE_PER_TOKEN, NOISE_SHARE = 1.5, 0.05, 0.03
FORGETTING = 0.0003  # of the prior's variance, for each text
ODD_DEVIATIONS = 3.0  # a text that is further off is believed less
DOUBT_WHEN_ODD, DOUBT_WHEN_RESCALED = 0.05, 0.1  # by what share all rates may be wrong then
GREATEST_DEVIATIONS, GREATEST_MORE_TOKENS = 5.0, 16
GREATEST_SHARE, GREATEST_UNLEARNED_TOKENS = 1.25, 64  # more than this is never added
STEPS = 1_000
LEAST_VARIANCE = 1e-6


@dataclass(frozen=True)
class Rates:
    """`shifts` are those of the rates from the fixed ones, in their spreads. `roots` times itself transposed
    is the shifts' covariance, and stays one however it is rounded."""

    shifts: Vector
    roots: Triangle

    def estimate(self, features: Features) -> float:
        """The tokens to expect."""
        return at_rates(self._rates, features)

    def greatest(self, features: Features) -> int:
        """What is hardly ever exceeded; more than twice the estimate where nothing was learned."""
        expected = self.estimate(features)
        deviation = math.sqrt(_square(self._doubts(features)) + _noise(expected))
        more = GREATEST_DEVIATIONS * deviation + GREATEST_MORE_TOKENS
        return math.ceil(expected + min(more, GREATEST_SHARE * expected + GREATEST_UNLEARNED_TOKENS))

    def learned(self, features: Features, tokens: int) -> Rates:
        """The rates after a text of these features turned out to have so many tokens."""
        expected, doubts = self.estimate(features), self._doubts(features)
        reach = [_dot(row, doubts) for row in self.roots]
        variance, off = _square(doubts) + _noise(expected), tokens - expected
        oddness = max(1.0, abs(off) / math.sqrt(variance) / ODD_DEVIATIONS)
        trust = 1 / (variance * oddness**2)
        shifts = [shift + trust * off * one for shift, one in zip(self.shifts, reach, strict=True)]
        left = _plus(_covariance(self.roots), -trust, reach)
        if oddness > 1:
            left = _plus(left, DOUBT_WHEN_ODD**2, self._all())
        return _rounded(shifts, _faded(left))

    def rescaled(self, factor: float) -> Rates:
        """The rates for a tokenizer that makes about `factor` times as many tokens."""
        if factor == 1:
            return self
        rates = zip(self._rates, FIXED_RATES, SPREADS, strict=True)
        shifts = [(rate * factor - fixed) / spread for rate, fixed, spread in rates]
        covariance = [[factor**2 * one for one in row] for row in _covariance(self.roots)]
        return _rounded(shifts, _plus(covariance, (DOUBT_WHEN_RESCALED * factor) ** 2, self._all()))

    def as_json(self) -> list[float]:
        """Whole thousandths."""
        return [round(one * STEPS) for row in (self.shifts, *self.roots) for one in row]

    @classmethod
    def from_json(cls, stored: Vector) -> Rates:
        """What `as_json` gave; the prior for what is of another form."""
        rows = [SIZE, *range(1, SIZE + 1)]
        if len(stored) != sum(rows):
            return PRIOR
        numbers = iter([round(one) / STEPS for one in stored])
        shifts, *roots = [tuple(next(numbers) for _ in range(length)) for length in rows]
        return cls(shifts, tuple(roots))

    @cached_property
    def _rates(self) -> list[float]:
        known = zip(FIXED_RATES, self.shifts, SPREADS, strict=True)
        return [max(0.0, fixed + shift * spread) for fixed, shift, spread in known]

    def _doubts(self, features: Features) -> list[float]:
        """By how much the estimate may be off, in tokens, for each column of the roots."""
        found = [0.0] * SIZE
        for row, count, spread in zip(self.roots, features, SPREADS, strict=True):
            if count:  # most texts have few of the features
                scale = count * spread
                for column, root in enumerate(row):
                    found[column] += root * scale
        return found

    def _all(self) -> list[float]:
        """All rates, as a direction in which they may be wrong together."""
        return [rate / spread for rate, spread in zip(self._rates, SPREADS, strict=True)]


def _noise(expected: float) -> float:
    return NOISE_TOKENS**2 + NOISE_PER_TOKEN * expected + (NOISE_SHARE * expected) ** 2


def _dot(one: Vector, other: Vector) -> float:
    """As far as the shorter goes."""
    return float(sum(map(mul, one, other)))


def _square(one: Vector) -> float:
    return _dot(one, one)


def _covariance(roots: Triangle) -> list[list[float]]:
    return [[_dot(row, other) for other in roots[: len(row)]] for row in roots]


def _plus(covariance: Triangle, share: float, along: Vector) -> list[list[float]]:
    """The covariance and a share of all products of a vector's numbers."""
    rows = zip(covariance, along, strict=True)
    return [[one + share * a * b for one, b in zip(row, along, strict=False)] for row, a in rows]


def _faded(covariance: Triangle) -> list[list[float]]:
    """Older texts count less: a little of the prior's covariance comes back."""
    rows = zip(covariance, _FADING, strict=True)
    return [[one + other for one, other in zip(*pair, strict=True)] for pair in rows]


def _rounded(shifts: Vector, covariance: Triangle) -> Rates:
    """As every process reads it back; no rate is below nothing."""
    kept = [max(shift, least) for shift, least in zip(shifts, LEAST_SHIFTS, strict=True)]
    rows = [tuple([round(one * STEPS) / STEPS for one in row]) for row in (kept, *_root(covariance))]
    return Rates(rows[0], tuple(rows[1:]))


def _root(covariance: Triangle) -> list[list[float]]:
    """Cholesky's triangle."""
    roots: list[list[float]] = []
    for at, row in enumerate(covariance):
        found: list[float] = []
        for above in roots:
            found.append((row[len(found)] - _dot(above, found)) / above[-1])
        roots.append([*found, math.sqrt(max(row[at] - _dot(found, found), LEAST_VARIANCE))])
    return roots


def _at_first() -> list[list[float]]:
    """The prior covariance of the shifts: each has a variance of one."""
    own = [one / spread for one, spread in zip(OWN_SPREADS, SPREADS, strict=True)]
    alone = [[one**2 if row == column else 0.0 for column in range(row + 1)] for row, one in enumerate(own)]
    together = [rate / spread for rate, spread in zip(FIXED_RATES, SPREADS, strict=True)]
    return _plus(alone, COMMON_SPREAD**2, together)


PRIOR = _rounded(NOTHING, _at_first())
_FADING = [[FORGETTING * one for one in row] for row in _at_first()]
