"""`python -m bench.flat`: what turns, lists and searches cost in histories of every length."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import cores, pages, servers, wire
from bench.databases import postgresql
from bench.failures import Missing
from bench.flat.tables import Measured, reads_table, turns_table
from bench.programs import result_of
from bench.servers import Program

# So many messages of others, and a session of each of these sizes.
FULL = ((1_000, (10, 1_000)), (1_000_000, (10, 1_000, 100_000)))
QUICK = ((500, (10, 500)), (5_000, (10, 5_000)))
PART, NOT_RUN = "flat", 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 2 where something is missing."""
    options = _parsed(arguments)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="bench") as directory:
            found = list(_measured(Path(directory), options))
    except Missing as missing:
        print(f"bench.flat: {missing}", file=sys.stderr)
        return NOT_RUN
    text = "\n".join([turns_table(found), reads_table(found)])
    print(text)
    print(f"Measured in {time.monotonic() - began:.0f} s.")
    if options.write:
        pages.put(options.write, PART, text)
    return 0


def _measured(directory: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """One database after the other, the first ones being those with the fewest messages."""
    with ExitStack() as stack:
        port = servers.free_port()
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(
            servers.running(_simulator(port), directory, lambda: wire.Connection(url).close())
        )
        stack.enter_context(cores.on(cores.SERVED))
        for filled, sizes in QUICK if options.quick else FULL:
            name, database_url = "SQLite", f"sqlite:///{directory}/{filled}.db"
            if options.postgresql:
                folder = directory / str(filled)
                folder.mkdir()
                name, (database_url, _) = "PostgreSQL", stack.enter_context(postgresql(folder))
            print(f"{name}, {filled:,} messages of others …", file=sys.stderr, flush=True)
            yield Measured.of(name, result_of("bench.flat.measuring", database_url, url, filled, *sizes))


def _simulator(port: int) -> Program:
    command = [sys.executable, "-m", "app.claude.simulator", "--port", str(port), "--seconds-per-event", "0"]
    return Program("simulator", command, servers.OUR_PATH)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.flat", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute, and short histories only")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not on SQLite")
    pages.add_write_option(parser)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
