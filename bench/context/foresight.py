"""The least that a conversation could cost whoever knew it beforehand: a bound below every policy.

It may leave out whole oldest turns before any request, and keeps as much as ours: at each request at least
the last whole turns that fit the share to keep, or what ours kept where that is less. It knows every
silence to come, and chooses for each token by itself, request by request, whether it is written for five
minutes, for an hour or not at all. So it has as many breakpoints as it likes, which nobody has. Prices,
lives and the least prefix are the real cache's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.context.high_water import Room
from app.context.tariff import Tariff
from bench.context.baselines import Request, requests
from bench.context.conversations import Conversation
from bench.context.traces import Setting

LIVES_SECONDS = {"": 0.0, "5m": 300.0, "1h": 3_600.0}


@dataclass(frozen=True)
class Moment:
    """A request: the seconds before it, what it adds, and what the deepest cut would leave in it."""

    seconds: float
    fresh_tokens: int
    cut_tokens: int
    is_cacheable: bool


def least_cost_tokens(
    conversation: Conversation, setting: Setting, tariff: Tariff, kept_from: Sequence[int] = ()
) -> float:
    """The bound, in tokens of plain input. `kept_from` is the first turn that ours kept, at each request.

    Between two cuts every token's price is its own, so the cheapest cuts are found request by request:
    best[e] = least over s of best[s - 1] + the epoch from s to e, which begins with a cut at s.
    """
    room = Room(setting.budget_tokens, conversation.head_tokens)
    moments = list(_moments(conversation, room, tariff, kept_from))
    best = [0.0]
    for end in range(len(moments)):
        prices = _prices(moments, end, tariff)
        best.append(_best_epoch(moments, prices, best, room))
    return best[-1] + conversation.head_tokens * _prices(moments, len(moments) - 1, tariff)[0]


def _moments(
    conversation: Conversation, room: Room, tariff: Tariff, kept_from: Sequence[int]
) -> list[Moment]:
    found, sent = [], 0
    for number, request in enumerate(requests(conversation)):
        ours = kept_from[number] if kept_from else 0
        whole = request.tokens_from(0)
        cut = request.tokens_from(max(_deepest(request, room), ours)) - conversation.head_tokens
        fresh = whole - sent if sent else whole - conversation.head_tokens
        found.append(Moment(request.seconds, fresh, cut, whole >= tariff.minimum_tokens))
        sent = whole
    return found


def _deepest(request: Request, room: Room) -> int:
    first = 0
    while first < request.at and (
        request.history_from(first) > room.kept_tokens or request.tokens_from(first) > room.budget_tokens
    ):
        first += 1
    return first


def _best_epoch(moments: list[Moment], prices: list[float], best: list[float], room: Room) -> float:
    """The least cost up to the last request that has a price, whatever epoch it ends."""
    least, grown_tokens, grown_cost = float("inf"), 0, 0.0
    for start in range(len(prices) - 1, -1, -1):
        held = room.head_tokens + moments[start].cut_tokens + grown_tokens
        if held > room.budget_tokens and start < len(prices) - 1:
            break
        least = min(least, best[start] + moments[start].cut_tokens * prices[start] + grown_cost)
        grown_tokens += moments[start].fresh_tokens
        grown_cost += moments[start].fresh_tokens * prices[start]
    return least


def _prices(moments: list[Moment], end: int, tariff: Tariff) -> list[float]:
    """For each request up to the end: the least price of a token that is sent from there to the end."""
    absent, short, long = 0.0, 0.0, 0.0
    prices = []
    for at in range(end, -1, -1):
        moment = moments[at]
        kept = {"": absent, "5m": short, "1h": long}
        new = 1 + kept[""]
        if moment.is_cacheable:
            new = min(new, tariff.write_5m + kept["5m"], tariff.write_1h + kept["1h"])
        prices.append(new)
        absent = new
        short = tariff.read + kept["5m"] if moment.seconds < LIVES_SECONDS["5m"] else new
        long = tariff.read + kept["1h"] if moment.seconds < LIVES_SECONDS["1h"] else new
    return prices[::-1]
