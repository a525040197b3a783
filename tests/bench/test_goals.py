"""Whether a wish is reached is said as it is, also where nothing was measured."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from bench.fields import Started
from bench.goals import Goal, added, goals, ratios
from bench.load import Load
from bench.paces import Pace
from bench.plots import plots
from bench.rounds import Loads
from bench.scenarios import CLIENTS, QUICK, Crowd, Effort, Found, starts
from bench.targets import DIRECT, LITELLM, LITELLM_CHAT, POSTGRESQL, SQLITE, direct

NAMES = (DIRECT, SQLITE, POSTGRESQL, LITELLM, LITELLM_CHAT)
TIMES = dict(zip(NAMES, (1, 2, 3, 26, 40), strict=True))
EFFORT = Effort(2, 1.0, 2, Pace(20, 0.05), (Crowd(10, 5.0), Crowd(50, 5.0), Crowd(50, 0.0)), 0)


def loads(whole_seconds: float = 0.01) -> Loads:
    """Two rounds, in which a target takes its number of times as much as the upstream itself."""
    return {
        name: [
            Load(
                name,
                first_seconds=[whole_seconds * times / 100] * 4,
                whole_seconds=[whole_seconds * times] * 4,
                wall_seconds=times,
                cpu_seconds=0.1 * times,
                peak_mib=20 * times,
            )
        ]
        * 2
        for name, times in TIMES.items()
    }


@pytest.fixture
def found() -> Found:
    """All that is measured."""
    started = {
        name: [Started(direct("http://127.0.0.1:1"), TIMES[name], 10 * TIMES[name])] * 2
        for name in NAMES
        if name not in {DIRECT, LITELLM_CHAT}
    }
    return Found(
        EFFORT,
        sends={clients: loads() for clients in CLIENTS},
        deltas={clients: loads() for clients in CLIENTS},
        crowds={crowd: loads(1.0) for crowd in EFFORT.crowds},
        starts=started,
        traced={"a turn": 1.5},
    )


def test_a_ratio_is_of_each_round(found: Found) -> None:
    assert [one.found for one in ratios(found, LITELLM)] == [13] * 5
    assert [one.is_reached for one in ratios(found, LITELLM)] == ["yes"] * 5
    assert [one.found for one in ratios(found, LITELLM_CHAT)] == [20, 20, 20, 20, 13]


def test_what_is_added_is_beside_the_upstream(found: Found) -> None:
    values = [round(one.found, 6) for one in added(found)]
    assert values == [10, 20, 2, 2, 10, 10, 1.5]
    assert [one.is_reached for one in added(found)] == ["no", "no", "no", "no", "yes", "yes", "yes"]


def test_what_was_not_measured_is_not_reached() -> None:
    bare = Found(QUICK)
    assert {one.is_reached for one in (*ratios(bare, LITELLM), *added(bare))} == {"not measured"}
    assert [section.text.splitlines()[0] for section in goals(bare)] == ["## What Colloquy adds"]


@pytest.mark.parametrize(
    ("found", "is_least", "says"), [(5, True, "yes"), (4, True, "no"), (5, False, "yes")]
)
def test_a_goal_is_reached_at_its_figure(found: float, is_least: bool, says: str) -> None:
    assert Goal("it", 5, found, is_least=is_least).is_reached == says
    assert Goal("it", 5, math.nan, is_least=is_least).is_reached == "not measured"


def test_both_tables_have_every_goal(found: Found) -> None:
    beside, absolute = (section.text for section in goals(found))
    assert beside.count("\n| ") == 2 + 5 - 1 + 1
    assert "| memory at its height | at least 3 | 13.0 | yes | 20.0 | yes |" in beside
    assert "| ms that tracing adds to a turn, p95, a turn | at most 2 | 1.50 | yes |" in absolute


def test_every_target_but_the_upstream_is_drawn(found: Found) -> None:
    for drawing in plots(found).values():
        root = ET.fromstring(drawing)  # noqa: S314 - our own drawing
        said = {one.text for one in root.iter("{http://www.w3.org/2000/svg}text")}
        assert {SQLITE, POSTGRESQL, LITELLM, LITELLM_CHAT} <= said
        assert DIRECT not in said


def test_starts_have_a_row_for_each_target(found: Found) -> None:
    assert "| LiteLLM | 26.0 (26.0-26.0) | 260 (260-260) | 520 (520-520) |" in starts(found).text
