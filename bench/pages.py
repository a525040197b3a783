"""docs/benchmarks.md: how it was measured and what was found, with the drawings beside it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench import cores
from bench.plots import TITLES, plots
from bench.scenarios import Found

PAGE = "benchmarks.md"
PINNED = re.compile(r"^litellm==(\S+)", re.MULTILINE)
QUICK = "**A quick run: too short to be believed.**\n\n"


def heading(*, quick: bool, peers: bool) -> str:
    """On what, and how, it is measured."""
    machine = f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"
    said = [
        f"{datetime.now(UTC):%d %B %Y}; {machine}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}.",
        cores.says(),
        "Every target has the same upstream, which answers with bytes made before; the load is put on one "
        "target after the other, round after round. Figures are medians over the rounds, with the least and "
        "the most; percentiles are over all of a round's requests.",
        "Colloquy has the settings that everybody gets who sets nothing, in one process.",
        *([_of_peer()] if peers else []),
    ]
    return f"# Benchmarks\n\n{QUICK if quick else ''}{' '.join(said)}\n"


def _of_peer() -> str:
    pinned = PINNED.search((Path(__file__).parent / "peers" / "litellm.txt").read_text())
    return (
        f"LiteLLM's proxy is {pinned[1] if pinned else 'of an unknown version'}, from the package registry, "
        "in an environment of its own: one worker, no database, errors alone are logged, prices from its own "
        "file. It is asked by both of its routes to Claude: `/v1/messages`, in Claude's format as Colloquy, "
        "and `/chat/completions`, in OpenAI's."
    )


def write(folder: Path, parts: Sequence[str], found: Found) -> None:
    """The page and its drawings, in a folder that is there."""
    drawings = plots(found)
    for name, drawing in drawings.items():
        (folder / name).write_text(drawing)
    shown = [f"![{title}]({file}.svg)\n" for file, title in TITLES.items()]
    made = "Made by `make bench-peers`; `make bench` measures without peers and writes nothing.\n"
    (folder / PAGE).write_text("\n".join([parts[0], made, *shown, *parts[1:]]))
