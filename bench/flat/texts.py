"""Texts whose words are as unequal as those of a language: the second is half as frequent as the first."""

from __future__ import annotations

import random
from itertools import accumulate

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = [consonant + vowel for consonant in CONSONANTS for vowel in VOWELS]
WORDS = 20_000


class Speaker:
    """Says texts; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
        self._words = [word_at(rank) for rank in range(1, WORDS + 1)]

    def text(self, words: int) -> str:
        """So many words."""
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=words))


def word_at(rank: int) -> str:
    """The word of a rank, 1 for the most frequent one; ends so that a stemmer leaves it alone."""
    syllables, rest = [], rank
    while rest:
        rest, at = divmod(rest, len(SYLLABLES))
        syllables.append(SYLLABLES[at])
    return "".join(syllables) + "x"
