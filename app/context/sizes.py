"""How large the messages of a path are: as Claude counted them, and estimates for those it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.context import rendering, tokens, window
from app.context.blocks import THINKING
from app.context.rates import Rates
from app.context.state import State
from app.context.tokens import NOTHING, Features, added
from app.context.values import Block, Entry

MOST_MEASURED = 64  # more than that at once come from an import, which has estimated them


@dataclass(frozen=True)
class Sizes:
    """The tokens of each entry, as it is sent and without its thinking.

    `fresh` are the entries that Claude is to count with this prompt, by index, with their features; those
    that are `told` have a size from Claude already. `guesses` are entries that were never counted. `files` is
    what of a fresh entry is a guess at its images and PDFs.
    """

    tokens: Sequence[int]
    fresh: Mapping[int, Features] = field(default_factory=dict)
    told: frozenset[int] = frozenset()
    guesses: Sequence[int] = ()
    files: Mapping[int, int] = field(default_factory=dict)
    has_files: bool = False

    def doubtful_from(self, start: int) -> Features:
        """The features of what is only estimated from an index on."""
        return added(NOTHING, *(one for at, one in self.fresh.items() if at >= start and at not in self.told))

    def times(self, factor: float) -> Sizes:
        """The same where Claude counts more."""
        return replace(self, tokens=[round(one * factor) for one in self.tokens])


def measured(path: Sequence[Entry], state: State | None, rates: Rates, start: int = 0) -> Sizes:
    """The sizes of a path's entries; what the last prompt held was counted, or is guessed well enough.

    What stands before the start is not sent: it may hold the twin of a tool call, or one half of a pair.
    """
    newest, scale = (state.newest_depth, state.scale) if state else (-1, 1.0)
    uncounted = [at for at in range(start, len(path)) if not path[at].is_counted]
    fresh = [at for at in uncounted if path[at].depth > newest]
    if len(fresh) > MOST_MEASURED:
        fresh = fresh[-1:]
    guesses = [at for at in uncounted if at not in frozenset(fresh)]
    first = min(uncounted if state is None or start else fresh, default=len(path))
    sent = _sent(path, first, start)
    found = [one.tokens or 0 for one in path]
    for at in guesses:
        found[at] = _guessed(path[at], sent, scale)
    told = frozenset(at for at in fresh if _is_told(path[at], state))
    said = {at: sent.get(path[at].depth, ()) for at in fresh}
    files = {at: tokens.of_files(blocks) for at, blocks in said.items()}
    features = {at: tokens.features_of_content(blocks) if blocks else NOTHING for at, blocks in said.items()}
    for at in frozenset(fresh) - told:
        found[at] = round(rates.estimate(features[at])) + files[at]
    return Sizes(found, features, told, guesses, files, _has_files(path, uncounted, state))


def of_thinking(entry: Entry, rates: Rates) -> int:
    """The expected tokens of a message's thinking: at least one a block."""
    thought = [one for one in entry.content if one.get("type") in THINKING]
    texts = [str(one.get("thinking") or one.get("data") or "") for one in thought]
    return sum(max(1, round(rates.estimate(tokens.features_of_text(text)))) for text in texts)


def spoken(content: Sequence[Block]) -> list[Block]:
    """Content without thinking."""
    return [one for one in content if one.get("type") not in THINKING]


def _sent(path: Sequence[Entry], first: int, start: int) -> Mapping[int, Sequence[Block]]:
    """What is sent of the entries from an index on, by depth; thinking is counted apart."""
    start = max(start, window.newest_start(path[:first]))
    return {depth: spoken(blocks) for depth, blocks in rendering.sent(path[start:]).items()}


def _guessed(entry: Entry, sent: Mapping[int, Sequence[Block]], scale: float) -> int:
    """An older estimate, a rough one put right by the others; nothing where nothing of it is sent."""
    size = tokens.of_content(entry.content) if entry.tokens is None else entry.tokens
    scale = scale if entry.is_rough or entry.tokens is None else 1.0
    is_left_out = bool(sent) and min(sent) < entry.depth < max(sent) and entry.depth not in sent
    return 0 if is_left_out else round(size * scale)


def _is_told(entry: Entry, state: State | None) -> bool:
    """Whether it is the last answer, whose size Claude's own count of its output has told."""
    is_last_answer = state is not None and entry.depth == state.newest_depth + 1 and entry.role == "assistant"
    return is_last_answer and bool(state and state.is_answer_told) and entry.tokens is not None


def _has_files(path: Sequence[Entry], uncounted: Sequence[int], state: State | None) -> bool:
    """Whether there are files that no count of Claude's has covered."""
    covered = state.newest_depth if state and state.is_counted else -1
    return any(path[at].depth > covered and tokens.has_files(path[at].content) for at in uncounted)
