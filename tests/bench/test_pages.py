"""Each command writes its part of the page, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import pages
from bench.cores import ALL, SERVED, on, says
from bench.figures import brief, percentile, short, spread


def test_parts_stand_in_the_order_in_which_they_came_first(tmp_path: Path) -> None:
    for part, text in (("loads", "old"), ("flat", "slow"), ("loads", "new\n")):
        pages.put(tmp_path, part, text)
    expected = "# Benchmarks\n\n<!-- loads -->\n\nnew\n\n<!-- end of loads -->\n"
    expected += "\n<!-- flat -->\n\nslow\n\n<!-- end of flat -->\n"
    assert (tmp_path / pages.PAGE).read_text() == expected


def test_what_people_write_around_the_parts_stays(tmp_path: Path) -> None:
    page = tmp_path / pages.PAGE
    page.write_text("# Ours\n\n<!-- flat -->\nold\n<!-- end of flat -->\n\nAnd this.\n")
    pages.put(tmp_path, "flat", "new")
    assert page.read_text() == "# Ours\n\n<!-- flat -->\n\nnew\n\n<!-- end of flat -->\n\nAnd this.\n"


@pytest.mark.parametrize("quick", [True, False])
def test_the_heading_says_where_it_was_measured_and_with_what(quick: bool) -> None:
    said = pages.heading(quick=quick, peers=True)
    assert ("too short to be believed" in said) == quick
    assert says() in said
    assert "LiteLLM's proxy is 1." in said
    assert "/work" not in said


def test_what_is_measured_has_a_core_of_its_own_where_there_are_two() -> None:
    assert len(SERVED) == 1 or SERVED == ALL
    with on(SERVED):
        pass


def test_figures_are_short() -> None:
    assert [brief(one) for one in (0.213, 2.13, 21.3, 213, 2_130, 21_300, 2_130_000, float("nan"))] == [
        *("0.21", "2.1", "21", "213", "2.1k", "21k", "2.1M", "none"),
    ]
    assert [short(one) for one in (0.213, 2.13, 21.3, 2_130)] == ["0.21", "2.13", "21.3", "2,130"]
    assert spread([3, 1, 2]) == "2.00 (1.00-3.00)"
    assert percentile([1, 2, 3, 4], 50) == 2
