"""Masks secrets in text: the values the server knows, in any encoding, and whatever is shaped like a key.

Shapes are masked in logs and errors only: in what people write, `clq_…` may be an example.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from app.telemetry.encodings import encodings, is_maskable
from app.telemetry.needles import Needles, Span

MASK = "[secret]"
BEHIND = 3  # characters of a needle that are not held back: the fourth makes it one
SHAPES = re.compile(
    r"\bclq_[A-Za-z0-9_-]{8,}|\bsk-ant-[A-Za-z0-9_-]{8,}|(?i:\bbearer\s+)[^\s\"',]{8,}"
    r"|(?i:(?<=\bpassword=))[^\s\"'&;]+"
)
CREDENTIALS_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+(?=@)")
NOTHING: frozenset[str] = frozenset()


class Redactor:
    """Masks the given secrets, where that cannot ruin ordinary text, besides those that another masks."""

    def __init__(self, secrets: Iterable[str] = (), other: Redactor | None = None) -> None:
        self._secrets = tuple(secrets)
        self._other = other

    def __call__(self, text: str) -> str:
        """For logs and errors: without known values, anything shaped like a key, and passwords in URLs."""
        return CREDENTIALS_IN_URL.sub(rf"\1:{MASK}", SHAPES.sub(MASK, self.known(text)))

    def beside(self, secret: str) -> Redactor:
        """One that masks this secret too; those that were asked for last are kept, for they take long."""
        return _beside(self, secret)

    def known(self, text: str) -> str:
        """For what people and Claude say: without the known values; the same text where there are none."""
        spans, _ = self.find(text)
        return masked(text, spans, 0, len(text)) if spans else text

    def is_free(self, texts: Iterable[str]) -> bool:
        """Whether none of these texts has a known value in it."""
        return not self.find("\0".join(texts))[0]

    def find(self, text: str) -> tuple[Sequence[Span], int]:
        """Where known values stand, and where the end of the text may be the beginning of one."""
        return self.needles.find(text)

    def within(self, value: Any, sealed: Set[str] = NOTHING) -> Any:
        """A JSON value without known values, names included; what the `sealed` names hold stays."""
        return _walked(value, self.known, sealed)

    def within_problem(self, problem: Any) -> Any:
        """A JSON value as an error may show it."""
        return _walked(problem, self, NOTHING)

    @cached_property
    def needles(self) -> Needles:
        """What is looked for."""
        wanted = {one for secret in self._secrets if is_maskable(secret) for one in encodings(secret)}
        return Needles(wanted, self._other.needles if self._other else None)


@functools.lru_cache(maxsize=64)
def _beside(other: Redactor, secret: str) -> Redactor:
    return Redactor([secret], other)


class Trickle:
    """A text that comes in pieces, masked as it comes: a secret is found over any borders.

    What may be the beginning of a secret is held back once it is four characters, so that ordinary pieces
    pass as they are; up to three characters of a secret may so stand before its mask.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._behind = ""  # the last that was let go, before any masking
        self._held = ""

    def take(self, piece: str) -> str:
        """What can be let go of the text so far; the very piece where nothing is held and nothing masked."""
        text = f"{self._behind}{self._held}{piece}"
        spans, cut = self._redactor.find(text)
        if not spans and cut == len(text) and not self._held:
            self._behind = text[-BEHIND:]
            return piece
        return self._let_go(text, spans, next((start for start, end in spans if start < cut < end), cut))

    def rest(self) -> str:
        """What is held, at the end of the text."""
        text = f"{self._behind}{self._held}"
        return self._let_go(text, self._redactor.find(text)[0], len(text))

    def _let_go(self, text: str, spans: Sequence[Span], upto: int) -> str:
        begin = len(self._behind)
        upto = max(upto, begin)
        self._behind, self._held = text[max(upto - BEHIND, 0) : upto], text[upto:]
        return masked(text, spans, begin, upto) if upto > begin else ""


def masked(text: str, spans: Sequence[Span], begin: int, end: int) -> str:
    """The text from begin to end, with a mask for each span that reaches into it."""
    pieces, at = list[str](), begin
    for start, stop in spans:
        if stop > begin and start < end:
            pieces += [text[at : max(start, at)], MASK]
            at = stop
    return "".join([*pieces, text[at:end]])


AT_WORK: ContextVar[Redactor | None] = ContextVar("redactor_at_work", default=None)


def at_work() -> Redactor | None:
    """The redactor of the request or turn at work, which knows the caller's key."""
    return AT_WORK.get()


@contextmanager
def knowing(redactor: Redactor) -> Iterator[None]:
    """Within this block, it is the one at work."""
    token = AT_WORK.set(redactor)
    try:
        yield
    finally:
        AT_WORK.reset(token)


def _walked(value: Any, mask: Callable[[str], str], sealed: Set[str]) -> Any:
    """The value with every string masked; the same object where nothing was."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        made = [_walked(one, mask, sealed) for one in value]
        return value if all(map(_is, value, made)) else made
    if isinstance(value, dict):
        pairs = {
            mask(str(name)): inner if name in sealed else _walked(inner, mask, sealed)
            for name, inner in value.items()
        }
        is_same = all(map(_is, value.values(), pairs.values())) and list(value) == list(pairs)
        return value if is_same else pairs
    return value


def _is(one: Any, other: Any) -> bool:
    return one is other
