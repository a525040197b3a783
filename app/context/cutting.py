"""Where the kept turns begin: seldom and deep, and when it costs nothing because the cache is cold."""

from __future__ import annotations

from dataclasses import dataclass

from app.context import window
from app.context.high_water import Room, marks
from app.context.scene import Scene

SUMMARY_PRICE_TOKENS = 500.0  # of one call, in plain input tokens of the model that answers


@dataclass(frozen=True)
class Cut:
    """The index of the first entry that is kept; `reason` is None where it stays where it was.

    `is_bare` leaves all that was recalled out.
    """

    start: int
    reason: str | None = None
    is_bare: bool = False


def decided(scene: Scene) -> Cut:
    """Where this prompt begins."""
    due = _due(scene)
    if due:
        return Cut(due, "compact")
    kept_tokens, high_tokens = marks_of(scene)
    history = scene.size_of(slice(0, scene.newest))
    is_high = history + greatest_new_tokens(scene) + scene.thinking_tokens > high_tokens
    is_free = scene.is_cold and history > kept_tokens
    start = 0
    if is_high or is_free:
        start = window.first_kept(scene.past.path, scene.sizes.tokens, kept_tokens)
    start = max(start, _first_turn(scene))
    return Cut(start, "high_water" if is_high else "cold") if start else Cut(0)


def marks_of(scene: Scene) -> tuple[int, int]:
    """What of the history a cut leaves, and how large history and new message may be before there is one."""
    state = scene.state
    head = scene.base_tokens
    head += state.preface_tokens + state.drift_tokens + state.recalled_tokens if state else 0
    room = Room(_budget_tokens(scene), head, scene.ask.keep)
    price = SUMMARY_PRICE_TOKENS if scene.past.summary else 0.0
    ttl = state.ttl if state else "5m"
    kept, high = marks(room, scene.tokens_a_turn, scene.limits.tariff, ttl, price)
    return kept, high - head


def deeper(scene: Scene, start: int, excess_tokens: int) -> int:
    """The start from which so many tokens fewer are kept; that of the newest turn where none is."""
    kept = scene.size_of(slice(start, scene.newest))
    return max(start, window.first_kept(scene.past.path, scene.sizes.tokens, kept - excess_tokens))


def greatest_new_tokens(scene: Scene) -> int:
    """What the newest turn will not exceed."""
    return scene.size_of(slice(scene.newest, None)) + scene.fresh_doubt_tokens(0)


def _first_turn(scene: Scene) -> int:
    """Where the first whole turn begins: a history from elsewhere may begin amid one."""
    return 0 if scene.state else next(iter(window.turn_starts(scene.past.path)), 0)


def _due(scene: Scene) -> int:
    """Where the turns begin that a summary asked for by the caller leaves."""
    summary, path = scene.past.summary, scene.past.path
    if summary is None or not summary.is_due or summary.upto_depth < path[0].depth:
        return 0
    after = [at for at in window.turn_starts(path) if path[at].depth > summary.upto_depth]
    return min(after, default=scene.newest)


def _budget_tokens(scene: Scene) -> int:
    """The history's share: what may be recalled is kept free, for it is asked for once something is cut."""
    return scene.split.input_tokens - scene.split.recall_tokens
