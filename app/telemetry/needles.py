"""Looking for many fixed strings in a text at once.

Every so many characters of the text, four of them are looked up among the beginnings of the needles; only
where they are found is more compared. So a needle is found by the first place looked at within it. In a long
text, asking for one needle after the other is quicker to tell that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

GRAM = 4
LONGEST_STRIDE = 16
LONG = 10_000  # characters
Span = tuple[int, int]


class Needles:
    """The strings to look for, each of at least four characters, and those of others."""

    def __init__(self, needles: Iterable[str] = (), others: Needles | None = None) -> None:
        wanted = frozenset(needles)
        self._needles: frozenset[str] = wanted | (others._needles if others else frozenset())
        self._longest = max(map(len, self._needles), default=0)
        longest = others._stride if others else LONGEST_STRIDE
        self._stride: int = min([longest, *(len(one) - GRAM + 1 for one in wanted)])
        self._index: dict[str, list[tuple[str, int]]] = dict(others._index) if others else {}
        for needle in wanted:
            for at in range(self._stride):
                gram = needle[at : at + GRAM]
                self._index[gram] = [*self._index.get(gram, ()), (needle, at)]

    def find(self, text: str) -> tuple[Sequence[Span], int]:
        """Where needles stand, and where one begins that the text breaks off after four characters or more.

        The latter is the length of the text where there is none.
        """
        size = len(text)
        if size > LONG and not any(needle in text for needle in self._needles):
            begin = max(size - self._longest, 0)
            return (), begin + self._looked_up(text[begin:])[1]
        return self._looked_up(text)

    def _looked_up(self, text: str) -> tuple[Sequence[Span], int]:
        index, size = self._index, len(text)
        last = size - GRAM
        is_found = text[:GRAM] in index or text[-GRAM:] in index
        if size <= self._stride and not is_found:
            return (), size
        places = [at for at in range(0, last + 1, self._stride) if text[at : at + GRAM] in index]
        if text[-GRAM:] in index:
            places.append(last)
        return self._compared(text, places) if places else ((), size)

    def _compared(self, text: str, places: Sequence[int]) -> tuple[list[Span], int]:
        spans, cut = [], len(text)
        for needle, start in self._candidates(text, places):
            if text.startswith(needle, start):
                spans.append((start, start + len(needle)))
            elif needle.startswith(text[start:]):
                cut = min(cut, start)
        return merged(spans), cut

    def _candidates(self, text: str, places: Sequence[int]) -> Iterator[tuple[str, int]]:
        """The needles that may stand in the text, and where they would begin."""
        for place in places:
            for needle, at in self._index[text[place : place + GRAM]]:
                if place >= at:
                    yield needle, place - at


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
