"""`python -m bench`: measures, prints Markdown, and says so where a figure is not to be believed."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import scenarios, servers
from bench.figures import spread
from bench.growth import growth
from bench.log_delay import CROWDS, log_delay
from bench.scenarios import FULL, QUICK, Effort, Measured
from bench.servers import Field, Pace

Scenario = Callable[[Field, Effort], Measured]
FAST = Pace(20, 0.0)
BRISK = Pace(10, 0.03)
QUICK_CROWDS = (1, 16)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parsed(arguments)
    effort = QUICK if options.quick else FULL
    began = time.monotonic()
    sections = [heading()]
    print(sections[0], flush=True)
    has_failed = False
    for text, is_valid in measured(effort):
        print(text, flush=True)
        sections.append(text)
        has_failed = has_failed or not is_valid
    sections.append(f"Measured in {time.monotonic() - began:.0f} s.")
    print(sections[-1])
    if options.out:
        options.out.write_text("\n".join(sections) + "\n")
    return int(has_failed)


def measured(effort: Effort) -> Iterator[tuple[str, bool]]:
    """Section after section, and whether it is valid. Each pace has fresh servers, so memory is its own."""
    plan: list[tuple[Pace, list[Scenario]]] = [
        (FAST, [scenarios.sends, growth]),
        (BRISK, [scenarios.streams]),
        (effort.crowd_pace, [scenarios.crowds]),
    ]
    start_seconds = []
    with tempfile.TemporaryDirectory(prefix="bench") as directory:
        for pace, wanted in plan:
            with servers.field(pace, Path(directory)) as place:
                start_seconds.append(place.start_seconds)
                scenarios.warm_up(place)
                for scenario in wanted:
                    result = scenario(place, effort)
                    said = servers.last_words(Path(directory)) if result.errors else ""
                    yield result.text + _complaint(result.errors, said), not result.errors
    yield log_delay(QUICK_CROWDS if effort is QUICK else CROWDS), True
    yield f"Start of the server, to its first answer: {spread(start_seconds)} s.\n", True


def _complaint(errors: Sequence[str], said: str) -> str:
    if not errors:
        return ""
    lines = [f"- {number} times {error}" for error, number in Counter(errors).most_common(5)]
    return "\n".join(["", "**Not valid: there were errors.**", *lines, "", said])


def heading() -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return (
        f"# Colloquy against the same upstream called directly\n\n{machine}, "
        f"Python {platform.python_version()}; client, upstream and server share them. Figures are medians "
        "over interleaved rounds, with the least and the most; percentiles are over all rounds.\n"
    )


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than 40 seconds, and less to be believed")
    parser.add_argument("--out", type=Path, help="write the tables to this file too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
