"""`python -m bench.context`: what a conversation's input costs, and, with `--recall`, what is found again."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.context import costs, recall

DRAWING = Path(__file__).parents[2] / "docs" / "context-costs.svg"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parsed(arguments)
    began = time.monotonic()
    if options.recall:
        return recall.main([str(options.recall)])
    tables, drawing = costs.main(quick=options.quick)
    print(tables)
    if not options.quick:
        DRAWING.write_text(drawing)
    print(f"Measured in {time.monotonic() - began:.0f} s.")
    return 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.context", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short conversations only, and no drawing")
    parser.add_argument("--recall", type=Path, metavar="FILE", help="measure recall on this data set instead")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
