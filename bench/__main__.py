"""`python -m bench`: measures, prints Markdown, and says so where a figure is not to be believed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from bench import cores, pages
from bench.failures import Missing
from bench.plan import sections
from bench.scenarios import FULL, QUICK, Found

NOT_VALID, NOT_RUN = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where all was measured, 1 where there were errors, 2 where something is missing."""
    options = _parsed(arguments)
    try:
        return _measure(options)
    except Missing as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return NOT_RUN


def _measure(options: argparse.Namespace) -> int:
    began, found = time.monotonic(), Found(QUICK if options.quick else FULL)
    parts, has_errors = [pages.heading(quick=options.quick, peers=options.peers)], False
    print(parts[0], flush=True)
    with cores.on(cores.LOAD):
        for section in sections(found, peers=options.peers):
            print(section.text, flush=True)
            parts.append(section.text)
            has_errors = has_errors or bool(section.errors)
    print(f"Measured in {time.monotonic() - began:.0f} s.")
    if options.write:
        pages.write(options.write, parts, found)
    return NOT_VALID if has_errors else 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some minutes, and not to be believed")
    parser.add_argument("--peers", action="store_true", help="LiteLLM's proxy too; it is installed once")
    pages.add_write_option(parser)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
