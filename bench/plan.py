"""What is measured, in which order. Memory at its height is that of servers which only held slow streams."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import fields, scenarios, servers
from bench.fields import Field
from bench.goals import goals
from bench.log_delay import CROWDS, log_delay
from bench.rounds import Section, warm_up
from bench.scenarios import QUICK, Found, Scenario
from bench.trace_costs import trace_costs

QUICK_CROWDS = (1, 16)
MOST_ERRORS = 5
PLAN: Sequence[Sequence[Scenario]] = (
    (scenarios.sends, scenarios.deltas, scenarios.first_events),
    (scenarios.crowds,),
)


def sections(found: Found, *, peers: bool) -> Iterator[Section]:
    """Section after section; what is found goes into `found`."""
    with tempfile.TemporaryDirectory(prefix="bench") as directory:
        for wanted in (*PLAN, *[()] * found.effort.starts):
            with fields.field(Path(directory), peers=peers) as place:
                _note_starts(place, found)
                if wanted:
                    warm_up(place)
                for scenario in wanted:
                    section = scenario(place, found)
                    yield Section(section.text + _complaint(section, Path(directory)), section.errors)
    yield scenarios.starts(found)
    yield Section(log_delay(QUICK_CROWDS if found.effort is QUICK else CROWDS))
    yield trace_costs(found)
    yield from goals(found)


def _note_starts(place: Field, found: Found) -> None:
    for one in place.started:
        found.starts.setdefault(one.target.name, []).append(one)


def _complaint(section: Section, directory: Path) -> str:
    if not section.errors:
        return ""
    counted = Counter(section.errors).most_common(MOST_ERRORS)
    lines = [f"- {number} times {error}" for error, number in counted]
    said = servers.last_words(directory)
    return "\n".join(["", "**Not valid: there were errors.**", *lines, "", "```", said, "```", ""])
