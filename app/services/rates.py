"""Limits on requests and tokens in a minute, by person and by key, counted for all processes together.

Windows are fixed (docs/decisions/0019): who is over a limit knows to the second when to come again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy.orm import Session

from app.errors import RateLimited
from app.extensions import config
from app.services import counters
from app.services.counters import Counters
from app.services.identity import Caller
from app.services.transactions import reading, writing
from config import Config

REQUESTS, TOKENS = "requests", "tokens"


@dataclass(frozen=True)
class Limit:
    """So many requests or tokens of one person, or of one key, in a minute."""

    name: str
    of: str
    owner_id: str
    most: RateLimitItemPerMinute

    @property
    def place(self) -> tuple[str, str]:
        """What tells its counter from others."""
        return self.name, self.owner_id

    @property
    def key(self) -> str:
        """Its counter's key."""
        return self.most.key_for(*self.place)


@dataclass(frozen=True)
class Standing:
    """How much of a limit is left, and when its window ends."""

    limit: Limit
    is_kept: bool
    left: int
    reset_seconds: int


def is_limited(settings: Config) -> bool:
    """Whether any limit is set."""
    return any(most for _, _, _, most in _settings(settings))


def count_request(caller: Caller) -> list[Standing]:
    """Count a request; how the caller stands with every limit, also with those that are passed now."""
    limits = list(_limits(config(), caller.user_id, caller.key_id))
    of_requests = [one for one in limits if one.of == REQUESTS]
    with writing() if of_requests else reading() as session:
        kept = Counters(session)
        limiter = FixedWindowRateLimiter(kept)
        passed = {one for one in of_requests if not limiter.hit(one.most, *one.place)}
        kept.look([one.key for one in limits])
        return [_standing(limiter, one, is_kept=one not in passed) for one in limits]


def refuse_passed(standings: Iterable[Standing], of: str) -> None:
    """Raises RateLimited where a limit of this kind is passed; it names the one that holds longest."""
    passed = [one for one in standings if one.limit.of == of and not one.is_kept]
    if not passed:
        return
    one = max(passed, key=lambda one: one.reset_seconds)
    wait = one.reset_seconds
    raise RateLimited(
        f"The limit `{one.limit.name}` of {one.limit.most.amount} a minute is reached: "
        f"come again in {wait} second{'' if wait == 1 else 's'}.",
        headers={"Retry-After": str(wait)},
    )


def refuse_without_tokens(session: Session, caller: Caller) -> None:
    """Raises RateLimited where the caller has used all tokens of the minute; one that is left is enough."""
    limits = [one for one in _limits(config(), caller.user_id, caller.key_id) if one.of == TOKENS]
    if limits:
        kept = Counters(session)
        kept.look([one.key for one in limits])
        limiter = FixedWindowRateLimiter(kept)
        refuse_passed([_standing(limiter, one, is_kept=True) for one in limits], TOKENS)


def used(session: Session, user_id: str, key_id: str | None, tokens: int) -> None:
    """Count the tokens of an answer that has ended, in the transaction that stores it."""
    limits = [one for one in _limits(config(), user_id, key_id) if one.of == TOKENS]
    if limits and tokens > 0:
        limiter = FixedWindowRateLimiter(Counters(session))
        for one in limits:
            limiter.hit(one.most, *one.place, cost=tokens)


def prune() -> None:
    """Forget the windows that are over."""
    with writing() as session:
        counters.delete_expired(session)


def _settings(settings: Config) -> Iterator[tuple[str, str, bool, int]]:
    """Each limit's name, what it counts, whether by key, and how many; 0 is no limit."""
    yield "requests", REQUESTS, False, settings.requests_per_minute
    yield "key-requests", REQUESTS, True, settings.key_requests_per_minute
    yield "tokens", TOKENS, False, settings.tokens_per_minute
    yield "key-tokens", TOKENS, True, settings.key_tokens_per_minute


def _limits(settings: Config, user_id: str, key_id: str | None) -> Iterator[Limit]:
    """The limits that are set for who calls, always in this order: two who lock them never wait in a ring."""
    for name, of, is_by_key, most in _settings(settings):
        owner_id = key_id if is_by_key else user_id
        if most and owner_id:
            yield Limit(name, of, owner_id, RateLimitItemPerMinute(most))


def _standing(limiter: FixedWindowRateLimiter, limit: Limit, *, is_kept: bool) -> Standing:
    """As counted in this transaction; tokens, which are counted later, are passed when none is left."""
    ends_at, left = limiter.get_window_stats(limit.most, *limit.place)
    seconds = math.ceil(ends_at - time.time())
    if seconds <= 0:  # no window has begun: there is a whole one
        seconds = limit.most.get_expiry()
    return Standing(limit, is_kept and (left > 0 or limit.of == REQUESTS), left, seconds)
