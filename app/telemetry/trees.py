"""A trace as it is kept: plain JSON, secrets masked, long texts cut, and no more in all than a row may hold.

What is too much is left out before it is masked, the largest first, and its place says so.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.telemetry.redaction import Redactor
from app.telemetry.tracing import OK, SHORTEST_MS, Span

MOST_OF_A_TEXT = 1_000_000
MOST_IN_ALL = 4_000_000
MOST_VALUES = 100_000
MOST_SPANS = 5_000
MOST_OF_A_NAME = 200
DEEPEST = 40
CHARACTERS_A_VALUE = 8
CHARACTERS_A_SPAN = 300
LARGEST_BITS = 4_096  # Python writes no longer whole numbers
NUMBERS = (bool, int, float)
OBJECTS = (dict, Mapping)  # dict first: of an abstract class it takes longer to tell
FILLED = (dict, list, tuple, set, frozenset, Mapping)
Tree = dict[str, Any]
Place = tuple[Tree, str]


def kept(
    root: Span, masks: Redactor, most_of_a_text: int = MOST_OF_A_TEXT, most_in_all: int = MOST_IN_ALL
) -> Tree:
    """The tree of a trace, to be kept. The limits are characters."""
    tree = root.as_json()
    thin(tree, MOST_SPANS)
    spans = list(walk(tree))
    places = [(one, part) for part in ("output", "input") for one in spans if one[part] is not None]
    values, sizes = Plain(MOST_VALUES, most_in_all, most_of_a_text), []
    for one, part in places:
        before = values.size
        one[part] = values.copied(one[part])
        sizes.append(values.size - before)
    _lighten(places, sizes, most_in_all - CHARACTERS_A_SPAN * len(spans))
    is_clean = values.fits and masks.is_free([*values.texts, *(one["name"] for one in spans)])
    for one, part in places:
        if one["status"] != OK:  # an error may hold anybody's key
            one[part] = _masked(one[part], masks, most_of_a_text)
        elif not is_clean:
            one[part] = _masked(one[part], masks.known, most_of_a_text)
    for one in spans:
        one["name"] = name_of(one["name"] if is_clean else masks.known(one["name"]))
    return tree


def walk(tree: Tree) -> Iterator[Tree]:
    """Every span of a tree, each before what it called, level by level."""
    queue = deque([tree])
    while queue:
        one = queue.popleft()
        yield one
        queue += one["children"]


def thin(tree: Tree, most_spans: int) -> None:
    """Leave out the spans above so many; a last one says how many calls were left out beside it."""
    left = most_spans - 1
    for one in walk(tree):
        children = one["children"]
        extra = len(children) - left
        if extra > 0:
            del children[left:]
            children.append(Span("…", output=f"[{extra} more calls are left out]", ms=SHORTEST_MS).as_json())
            children[-1]["started_at"] = one["started_at"]
        left = max(left - len(children), 0)


def name_of(text: str) -> str:
    """A name that every database keeps: no U+0000, no half surrogates, and not long."""
    kept = text if text.isascii() else text.encode(errors="replace").decode()
    return kept.replace("\0", "")[:MOST_OF_A_NAME]


class Plain:
    """Copies values as plain JSON, up to a number of values in all; what is none says what it was.

    `size` is about how many characters the values take as JSON, their texts cut to so many; `texts` are
    those, and the names in objects. It `fits` where none of them has to be cut.
    """

    def __init__(self, most_values: int, longest_text: int, most_of_a_text: int) -> None:
        self.size = 0
        self.texts: list[str] = []
        self.fits = True
        self._left = most_values
        self._longest_text = longest_text
        self._most_of_a_text = most_of_a_text

    def copied(self, value: Any, depth: int = 0) -> Any:
        """The value, if it is JSON, and as far as it is."""
        self._left -= 1
        self.size += CHARACTERS_A_VALUE
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, NUMBERS):
            return _number(value)
        if not isinstance(value, FILLED):
            return f"[{type(value).__name__}]"
        if depth == DEEPEST:
            return "[nested deeper than is kept]"
        return self._inside(value, depth + 1)

    def _text(self, value: str) -> str:
        kept = value if len(value) <= self._longest_text else left_out(len(value))
        self.fits = self.fits and len(kept) <= self._most_of_a_text
        self.size += min(len(kept), self._most_of_a_text)
        self.texts.append(kept)
        return kept

    def _inside(self, value: Any, depth: int) -> Any:
        made = self._named(value, depth) if isinstance(value, OBJECTS) else self._listed(value, depth)
        if len(made) == len(value):
            return made
        says = f"[{len(value) - len(made)} more are left out]"
        return {**made, "…": says} if isinstance(made, dict) else [*made, says]

    def _named(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, one in value.items():
            if self._left <= 0:
                break
            made[str(name)] = self.copied(one, depth)
        self.fits = self.fits and max(map(len, made), default=0) <= MOST_OF_A_NAME
        self.size += sum(map(len, made))
        self.texts += made
        return made

    def _listed(self, value: Iterable[Any], depth: int) -> list[Any]:
        made: list[Any] = []
        for one in value:
            if self._left <= 0:
                break
            made.append(self.copied(one, depth))
        return made


def left_out(characters: int) -> str:
    """What stands in the place of what is too much."""
    return f"[{characters} characters are left out]"


def cut(text: str, most: int) -> str:
    """A text without its middle, where it is longer than so many characters."""
    if len(text) <= most:
        return text
    head, tail = most - most // 2, most // 2
    return f"{text[:head]}\n{left_out(len(text) - most)}\n{text[len(text) - tail :]}"


def _number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    is_huge = isinstance(value, int) and value.bit_length() > LARGEST_BITS
    return f"[a number of {value.bit_length()} bits]" if is_huge else value


def _lighten(places: list[Place], sizes: list[int], most_in_all: int) -> None:
    """Leave out outputs, the largest first, and then inputs, until the rest is no more than it may be."""
    total = sum(sizes)
    if total <= most_in_all:
        return
    for at in sorted(range(len(places)), key=lambda at: (places[at][1] == "input", -sizes[at])):
        if total <= most_in_all:
            return
        one, part = places[at]
        one[part] = left_out(sizes[at])
        total += len(one[part]) - sizes[at]


def _masked(value: Any, mask: Callable[[str], str], most: int) -> Any:
    if isinstance(value, str):
        return cut(mask(value), most)
    if isinstance(value, list):
        return [_masked(one, mask, most) for one in value]
    if isinstance(value, dict):
        return {mask(name)[:MOST_OF_A_NAME]: _masked(one, mask, most) for name, one in value.items()}
    return value
