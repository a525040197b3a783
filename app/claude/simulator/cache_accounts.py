"""The prompt cache's accounts: which part of a prompt is read, written or neither. Nothing is really cached.

An entry is the digest of a prefix that ended at a marker, for one API key. A marker finds an entry up to 20
blocks before it; each read gives the entry its whole life again."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from app.claude.rules.caching import last_cacheable, ttl_of
from app.claude.rules.models import Model
from app.claude.rules.prompts import Piece, markers, pieces
from app.claude.simulator.counting import piece_tokens
from app.claude.simulator.signatures import Prefix

LOOK_BACK_BLOCKS = 20
MOST_ENTRIES = 20_000
TTL_SECONDS = {"5m": 300.0, "1h": 3_600.0}


@dataclass(frozen=True, slots=True)
class Account:
    """How the tokens of one prompt are accounted for."""

    input_tokens: int
    written_5m_tokens: int = 0
    written_1h_tokens: int = 0
    read_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.written_5m_tokens + self.written_1h_tokens + self.read_tokens


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt measured: the digest and the tokens up to each block, and the ttl where a marker is."""

    digests: Sequence[str]
    sizes_tokens: Sequence[int]
    marks: Mapping[int, str]

    @property
    def tokens(self) -> int:
        return self.sizes_tokens[-1] if self.sizes_tokens else 0


def measure(request: Mapping[str, Any], model: Model) -> Prompt:
    run = list(pieces(request))
    automatic = request.get("cache_control")
    target = last_cacheable(request) if automatic else None
    marks = {index: _longest(piece) for index, piece in enumerate(run) if _is_marked(piece)}
    marks |= {
        index: ttl_of(automatic) for index, piece in enumerate(run) if automatic and piece.path == target
    }
    sizes = accumulate(piece_tokens(piece, model) for piece in run)
    return Prompt(_digests(request, run), list(sizes), dict(sorted(marks.items())))


def _is_marked(piece: Piece) -> bool:
    return next(markers(piece.block), None) is not None


def _longest(piece: Piece) -> str:
    return min(ttl_of(marker) for _, marker in markers(piece.block))


def _digests(request: Mapping[str, Any], run: Sequence[Piece]) -> list[str]:
    of = (request["model"], "fast") if request.get("speed") == "fast" else (request["model"],)
    prefix = Prefix(*of)
    # Another choice of tool or way of thinking leaves tools and system cached, and nothing after them.
    of_messages = Prefix(*of, request.get("tool_choice"), request.get("thinking"))
    digests = []
    for piece in run:
        prefix.add(piece)
        of_messages.add(piece)
        digests.append((of_messages if piece.is_message else prefix).digest())
    return digests


class CacheAccounts:
    """All entries of one simulator. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def charge(self, api_key: str, prompt: Prompt, model: Model) -> Account:
        marks = {
            index: ttl
            for index, ttl in prompt.marks.items()
            if prompt.sizes_tokens[index] >= model.cache_minimum_tokens
        }
        with self._lock:
            read = max((self._read(api_key, prompt, index) for index in marks), default=0)
            self._write(api_key, prompt, marks)
        return _account(prompt, marks, read)

    def _read(self, api_key: str, prompt: Prompt, marked: int) -> int:
        """The tokens of the longest live entry that the marker finds."""
        now = self._clock()
        for index in range(marked, max(marked - LOOK_BACK_BLOCKS, -1), -1):
            key = (api_key, prompt.digests[index])
            expires_at, ttl = self._entries.get(key, (now, ""))
            if expires_at > now:
                self._keep(key, ttl)
                return prompt.sizes_tokens[index]
        return 0

    def _write(self, api_key: str, prompt: Prompt, marks: Mapping[int, str]) -> None:
        for index, ttl in marks.items():
            key = (api_key, prompt.digests[index])
            expires_at, old_ttl = self._entries.get(key, (0.0, ttl))
            self._keep(key, old_ttl if expires_at > self._clock() else ttl)

    def _keep(self, key: tuple[str, str], ttl: str) -> None:
        self._entries[key] = (self._clock() + TTL_SECONDS[ttl], ttl)
        self._entries.move_to_end(key)
        if len(self._entries) > MOST_ENTRIES:
            self._entries.popitem(last=False)


def _account(prompt: Prompt, marks: Mapping[int, str], read_tokens: int) -> Account:
    written = {"5m": 0, "1h": 0}
    done = read_tokens
    for index, ttl in marks.items():
        written[ttl] += max(prompt.sizes_tokens[index] - done, 0)
        done = max(done, prompt.sizes_tokens[index])
    return Account(prompt.tokens - done, written["5m"], written["1h"], read_tokens)
