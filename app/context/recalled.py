"""What is brought back of the turns that were cut: for the newest message, and what stays from before.

A quotation is for one prompt. Where the answer calls tools, it stays until the next cut: what Claude thinks
while it works is bound to it, and the turn's next prompts begin with it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.context import quoting, recall, tokens
from app.context.cutting import Cut
from app.context.scene import Scene
from app.context.values import Entry, Quotation

MOST_TRIES = 4


@dataclass(frozen=True)
class Recalled:
    """The new quotation with its expected and greatest tokens, and those that stay, by where they stand.

    `is_whole` says that none is missing of those that stood in the prompt before.
    """

    new: Quotation | None = None
    tokens: int = 0
    greatest_tokens: int = 0
    kept: Mapping[int, Quotation] = field(default_factory=dict)
    kept_tokens: int = 0
    is_whole: bool = True

    @property
    def all(self) -> dict[int, Quotation]:
        """Every quotation, by the depth that it stands at."""
        return {**self.kept, self.new.depth: self.new} if self.new else {**self.kept}

    @property
    def depths(self) -> list[int]:
        """The depths of the messages that are quoted."""
        return sorted({depth for one in self.all.values() for depth in one.depths})


def made(scene: Scene, cut: Cut, room_tokens: int, pinned_depths: Collection[int]) -> Recalled:
    """The quotations of a prompt that begins at the cut; a new one where something was cut and it fits."""
    before = _standing(scene)
    kept = {at: one for at, one in before.items() if _stays(scene, cut, at)}
    is_whole = len(kept) == len(before)
    size = scene.state.recalled_tokens if scene.state and is_whole else _size(scene, kept.values())
    stay = Recalled(kept=kept, kept_tokens=size, is_whole=is_whole)
    newest, first = scene.past.path[scene.newest], scene.past.path[cut.start]
    asked = quoting.text_of(newest.content)
    is_asked = bool(asked) and first.depth > 0 and not scene.is_in_tool_loop and newest.depth not in kept
    if room_tokens <= 0 or not is_asked or cut.is_bare:
        return stay
    taken = {*pinned_depths, *stay.depths}
    windows = scene.past.recall(asked, first.depth, room_tokens)
    fresh = [[one for one in window if one.depth not in taken] for window in windows]
    return _fitting(scene, stay, fresh, room_tokens)


def _standing(scene: Scene) -> dict[int, Quotation]:
    """The quotations that stood in the prompt before, and stay until a cut."""
    since = scene.state.recalls_from_depth if scene.state else 0
    quotations = (one.quotation for one in scene.past.path if one.depth >= since)
    return {one.depth: one for one in quotations if one}


def _stays(scene: Scene, cut: Cut, depth: int) -> bool:
    """After a cut, only that of the newest turn."""
    return not cut.is_bare and (cut.reason is None or depth >= scene.past.path[scene.newest].depth)


def _fitting(scene: Scene, stay: Recalled, windows: Sequence[Sequence[Entry]], room_tokens: int) -> Recalled:
    """As much as fits, the quotation's own words included."""
    room, at = float(room_tokens), scene.past.path[scene.newest].depth
    for _ in range(MOST_TRIES):
        chosen = recall.chosen(windows, int(room))
        if not chosen:
            break
        text = recall.quoted(chosen)
        features = tokens.features_of_text(text)
        greatest = scene.rates.greatest(features)
        if greatest <= room_tokens:
            new = Quotation(at, text, tuple(one.depth for one in chosen))
            size = math.ceil(scene.rates.estimate(features))
            return Recalled(new, size, greatest, stay.kept, stay.kept_tokens, stay.is_whole)
        room *= 0.95 * room_tokens / greatest
    return stay


def _size(scene: Scene, quotations: Collection[Quotation]) -> int:
    return sum(round(scene.rates.estimate(tokens.features_of_text(one.text))) for one in quotations)
