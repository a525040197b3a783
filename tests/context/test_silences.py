"""How long the cache should live, by a conversation's own silences."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.silences import EPOCH_REQUESTS, MEMORY, Silences
from app.context.tariff import Tariff

MINUTE, QUARTER, DAY = 60.0, 900.0, 86_400.0


def heard(seconds: Iterable[float]) -> Silences:
    silences = Silences()
    for one in seconds:
        silences = silences.after(one)
    return silences


def ttl(silences: Silences, prefix_tokens: float = 10_000, tokens_a_request: float = 500) -> str:
    return silences.best_ttl(Tariff(), prefix_tokens, tokens_a_request)


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [(0, "brief"), (299, "brief"), (300, "middling"), (3_599, "middling"), (3_600, "long")],
)
def test_a_silence_is_of_the_kind_whose_cache_outlives_it(seconds: float, kind: str) -> None:
    assert Silences().after(seconds) == Silences(**{kind: 1.0})


@given(st.lists(st.floats(0, 10 * DAY), max_size=300))
def test_counts_never_exceed_the_memory(seconds: list[float]) -> None:
    silences = heard(seconds)
    assert silences.brief + silences.middling + silences.long <= MEMORY


def test_whoever_answers_within_minutes_gets_five_minutes() -> None:
    assert ttl(heard([MINUTE] * 20)) == "5m"


def test_whoever_takes_a_quarter_of_an_hour_gets_an_hour() -> None:
    assert ttl(heard([QUARTER] * 5)) == "1h"


def test_whoever_comes_back_the_next_day_gets_five_minutes() -> None:
    assert ttl(heard([DAY] * 20)) == "5m"


def test_an_hour_is_not_worth_it_where_little_is_kept_and_much_is_new() -> None:
    assert ttl(heard([QUARTER] * 5), prefix_tokens=500, tokens_a_request=2_000) == "5m"


def test_old_silences_are_forgotten() -> None:
    assert ttl(heard([*[QUARTER] * 64, *[MINUTE] * 256])) == "5m"
    assert ttl(heard([*[MINUTE] * 64, *[QUARTER] * 64])) == "1h"


@given(
    st.lists(st.sampled_from([MINUTE, QUARTER, DAY]), max_size=40),
    st.floats(1_000, 200_000),
    st.floats(10, 5_000),
    st.sampled_from([0.1, 0.05, 0.025]),
)
def test_the_choice_is_the_cheaper_one(
    seconds: list[float], prefix_tokens: float, tokens_a_request: float, read: float
) -> None:
    silences, tariff = heard(seconds), Tariff(read=read)
    brief, middling, long = silences.brief + 3, silences.middling + 1, silences.long + 0.5
    total = brief + middling + long

    def cost(ttl: str, warm: float) -> float:
        """Of one request, with its share of writing the prefix first; the prefix is read where it is warm."""
        write = tariff.write(ttl)
        again = (warm * tariff.read + (total - warm) * write) / total
        return write * tokens_a_request + (again + write / EPOCH_REQUESTS) * prefix_tokens

    five_minutes, hour = cost("5m", brief), cost("1h", brief + middling)
    chosen = silences.best_ttl(tariff, prefix_tokens, tokens_a_request)
    assert {"5m": five_minutes, "1h": hour}[chosen] <= min(five_minutes, hour) * (1 + 1e-9)


@given(st.lists(st.floats(0, DAY), max_size=20))
def test_what_is_stored_is_nearly_what_was(seconds: list[float]) -> None:
    silences = heard(seconds)
    again = Silences.from_json(silences.as_json())
    assert again.brief == pytest.approx(silences.brief, abs=0.001)
    assert again.middling == pytest.approx(silences.middling, abs=0.001)
    assert again.long == pytest.approx(silences.long, abs=0.001)
