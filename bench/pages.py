"""docs/benchmarks.md: how it was measured and what was found, with the drawings beside it.

Each command writes a part of the page, and leaves the others as they are.
"""

from __future__ import annotations

import argparse
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
from bench.servers import ROOT

PAGE, TITLE, PART = "benchmarks.md", "# Benchmarks\n", "loads"
PINNED = re.compile(r"^litellm==(\S+)", re.MULTILINE)
MADE = "Made by `make bench-peers`; `make bench` measures without peers and writes nothing.\n"
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
    return f"{QUICK if quick else ''}{' '.join(said)}\n"


def _of_peer() -> str:
    pinned = PINNED.search((Path(__file__).parent / "peers" / "litellm.txt").read_text())
    return (
        f"LiteLLM's proxy is {pinned[1] if pinned else 'of an unknown version'}, from the package registry, "
        "in an environment of its own: one worker, no database, errors alone are logged, prices from its own "
        "file. It is asked by both of its routes to Claude: `/v1/messages`, in Claude's format as Colloquy, "
        "and `/chat/completions`, in OpenAI's."
    )


def add_write_option(parser: argparse.ArgumentParser) -> None:
    """The option of a command that can write its part."""
    parser.add_argument(
        "--write",
        type=_folder,
        nargs="?",
        const=ROOT / "docs",
        metavar="FOLDER",
        help=f"write it into {PAGE}, by default that in docs",
    )


def _folder(given: str) -> Path:
    if not Path(given).is_dir():
        raise argparse.ArgumentTypeError(f"{given} is no folder")
    return Path(given)


def write(folder: Path, parts: Sequence[str], found: Found) -> None:
    """The part of `python -m bench`, and its drawings."""
    for name, drawing in plots(found).items():
        (folder / name).write_text(drawing)
    shown = [f"![{title}]({file}.svg)\n" for file, title in TITLES.items()]
    put(folder, PART, "\n".join([parts[0], MADE, *shown, *parts[1:]]))


def put(folder: Path, part: str, text: str) -> None:
    """Put a part in the place of the one of that name, or at the page's end."""
    page = folder / PAGE
    old = page.read_text() if page.exists() else TITLE
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    head, found, rest = old.partition(begin)
    tail = rest.partition(end)[2] if found else "\n"
    above = head if found else f"{head}\n"
    page.write_text(f"{above}{begin}\n\n{text.strip()}\n\n{end}{tail}")
