"""What a conversation costs: the simulator's cache accounts, on real request bodies, by a set clock.

Prices are multiples of plain input, so a cost is in tokens. To measure a long history anew for each request
would take most of the time: here each block is counted once, and a prefix has a number instead of a digest.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from itertools import accumulate
from typing import Any

from app.claude.rules.caching import ttl_of
from app.claude.rules.models import Model
from app.claude.rules.prompts import Block, Piece, markers, pieces, without_markers
from app.claude.simulator.cache_accounts import Account, CacheAccounts, Prompt
from app.claude.simulator.counting import piece_tokens
from app.context.tariff import Tariff


class Meter:
    """Measures a request as the simulator does."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._known: dict[tuple[int, str, bool], tuple[Block, int, str]] = {}
        self._tokens: dict[tuple[str, bool], int] = {}
        self._numbers: dict[Hashable, str] = {}

    def measure(self, request: Mapping[str, Any]) -> Prompt:
        """The prompt, with numbers for digests: two are equal where the simulator's digests would be."""
        run = list(pieces(request))
        marks = {at: ttl for at, piece in enumerate(run) if (ttl := _ttl(piece))}
        if automatic := request.get("cache_control"):
            marks[max(at for at, piece in enumerate(run) if piece.is_cacheable)] = ttl_of(automatic)
        known = [self._looked_up(piece) for piece in run]
        sizes = list(accumulate(tokens for _, tokens, _ in known))
        return Prompt(self._prefixes(request, run, known), sizes, dict(sorted(marks.items())))

    def _prefixes(
        self, request: Mapping[str, Any], run: list[Piece], known: list[tuple[Block, int, str]]
    ) -> list[str]:
        settings = str((request["model"], request.get("tool_choice"), request.get("thinking")))
        prefix, of_messages, found = self._number(request["model"]), self._number(settings), []
        for piece, (_, _, number) in zip(run, known, strict=True):
            of_messages = self._number((of_messages, number))
            if not piece.is_message:
                prefix = self._number((prefix, number))
            found.append(of_messages if piece.is_message else prefix)
        return found

    def _looked_up(self, piece: Piece) -> tuple[Block, int, str]:
        # The block is kept with what is known of it, so that no other can have its id.
        key = (id(piece.block), piece.part, piece.starts_turn)
        if key not in self._known:
            content = json.dumps([piece.part, without_markers(piece.block)])
            self._known[key] = piece.block, self._counted(content, piece), self._number(content)
        return self._known[key]

    def _counted(self, content: str, piece: Piece) -> int:
        key = content, piece.starts_turn
        if key not in self._tokens:
            self._tokens[key] = piece_tokens(piece, self.model)
        return self._tokens[key]

    def _number(self, key: Hashable) -> str:
        return self._numbers.setdefault(key, str(len(self._numbers)))


class Till:
    """Adds up what the requests of one conversation cost."""

    def __init__(self, meter: Meter, tariff: Tariff) -> None:
        self.model, self.tariff = meter.model, tariff
        self.now_seconds = 0.0
        self.cost_tokens = 0.0
        self._meter = meter
        self._accounts = CacheAccounts(lambda: self.now_seconds)

    def count(self, request: Mapping[str, Any]) -> int:
        """The tokens of a request."""
        return self._meter.measure(request).tokens

    def charge(self, request: Mapping[str, Any]) -> Account:
        """The account of a request that is made now."""
        account = self._accounts.charge("", self._meter.measure(request), self.model)
        self.cost_tokens += cost_tokens(account, self.tariff)
        return account


def cost_tokens(account: Account, tariff: Tariff) -> float:
    """What one prompt costs, in tokens of plain input."""
    written = account.written_5m_tokens * tariff.write_5m + account.written_1h_tokens * tariff.write_1h
    return account.input_tokens + written + account.read_tokens * tariff.read


def _ttl(piece: Piece) -> str | None:
    return min((ttl_of(marker) for _, marker in markers(piece.block)), default=None)
