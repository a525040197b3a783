"""`python -m bench.cluster`: throughput over 1, 2, 4 processes; a server killed, PostgreSQL restarted."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.claude.simulator import Simulator
from bench import pages
from bench.cluster import footprints, gateways, hosts, storms, throughput
from bench.cluster.clusters import Seat, cluster, database, share
from bench.cluster.hosts import Ground
from bench.cluster.postgres import KEPT_FOR_ADMINS, MOST_CONNECTIONS, Postgres
from bench.figures import table
from tests.servers import free_port


@dataclass(frozen=True)
class Effort:
    """How long it takes."""

    load_seconds: float
    storm_seconds: float
    faults: int
    clients: int


PART = "cluster"
QUICK = Effort(load_seconds=2, storm_seconds=12, faults=2, clients=8)
FULL = Effort(load_seconds=15, storm_seconds=120, faults=12, clients=24)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some minutes, and less to be believed")
    parser.add_argument(
        "--loopback", action="store_true", help="addresses of loopback, not network namespaces"
    )
    pages.add_write_option(parser)
    options = parser.parse_args(arguments)
    is_in_lab = hosts.LAB in os.environ
    if not (options.loopback or is_in_lab) and hosts.may_make_namespaces():
        return hosts.run_in_namespaces("bench.cluster", arguments)
    ground = hosts.loopback() if options.loopback else hosts.ground()
    with tempfile.TemporaryDirectory(prefix="cluster") as folder:
        said, has_failed = [], False
        for text, is_fine in measure(Path(folder), ground, QUICK if options.quick else FULL):
            print(text, flush=True)
            said.append(text)
            has_failed = has_failed or not is_fine
    if options.write:
        pages.put(options.write, PART, "\n".join(said))
    return int(has_failed)


def measure(folder: Path, ground: Ground, effort: Effort) -> Iterator[tuple[str, bool]]:
    """A section after the other, and whether nothing was lost and nothing went wrong in it."""
    yield heading(ground), True
    with database(folder, ground) as postgres:
        text, errors = throughput_section(folder, ground, postgres, effort)
        yield "\n".join([text, *errors[:5]]), not errors
        for title, fault in (
            ("A server killed with kill -9", storms.kill_server),
            ("PostgreSQL restarted", storms.restart_postgres),
        ):
            try:
                yield storm_section(folder, ground, postgres, (title, fault), effort), True
            except AssertionError as error:
                yield f"## {title}\n\n**Failed:** {error}\n", False


def heading(ground: Ground) -> str:
    """What stands where."""
    program = gateways.find()
    lines = ["## Several servers, one PostgreSQL\n", "Made by `make cluster`.", ground.says]
    lines.append(
        f"In front of them {version_of(program)}, with deploy/nginx.conf." if program else gateways.ABSENT
    )
    lines.append(
        f"This machine has {os.cpu_count()} cores, and clients, upstream, nginx, PostgreSQL and all servers "
        "share them: more processes than cores cannot be faster here. How it grows, the processor time for "
        "each answer tells: where it stays the same, more cores, here or elsewhere, are that much more."
    )
    lines.append(
        f"PostgreSQL takes {MOST_CONNECTIONS} connections; {KEPT_FOR_ADMINS} are left alone, and the servers "
        f"share the others: {share(1)} for one, {share(2)} each for two (COLLOQUY_DATABASE_CONNECTIONS).\n"
    )
    return "\n".join(lines)


def version_of(program: str) -> str:
    """nginx/1.2.3, as it says."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    return said.strip().rpartition(" ")[2]


def throughput_section(
    folder: Path, ground: Ground, postgres: Postgres, effort: Effort
) -> tuple[str, list[str]]:
    """One, two, four processes, of JSON and of streams."""
    one, two = ground.hosts
    rows, errors, before = [], [], None
    with upstreams(ground) as port:
        for seats in ([Seat(one)], [Seat(one), Seat(two)], [Seat(one, 2), Seat(two, 2)]):
            place = folder / f"throughput{len(rows)}"
            with cluster(place, ground, postgres, seats, f"http://127.0.0.1:{port}") as running:
                before = before or footprints.stand(postgres)
                for is_stream in (False, True):
                    line, wrong = throughput.row(running, effort.load_seconds, stream=is_stream)
                    rows.append(line)
                    errors += wrong
    says = (
        f"{throughput.CLIENTS} clients, each sends one message after another; a new session and an answer of "
        "the fast upstream (bench.upstream) each. CPU ms: processor time for each answer."
    )
    assert before
    left = footprints.section(before, footprints.stand(postgres))
    return f"{table('Throughput', says, throughput.NAMES, rows)}\n{left}", errors


@contextmanager
def upstreams(ground: Ground) -> Iterator[int]:
    """The fast upstream, on the loopback of each host; its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.upstream", f"--port={port}"]
    own = {one.prefix: one for one in ground.hosts}.values()  # addresses of loopback share it
    started = [subprocess.Popen([*one.prefix, *command]) for one in own]
    try:
        yield port
    finally:
        for process in started:
            process.kill()
            process.wait()


def storm_section(
    folder: Path, ground: Ground, postgres: Postgres, what: tuple[str, storms.Fault], effort: Effort
) -> str:
    """Clients at work on two servers while something dies."""
    title, fault = what
    seats = [Seat(one, 2) for one in ground.hosts]
    place = folder / fault.__name__
    with (
        Simulator(ground.middle.address, seconds_per_event=0) as simulator,
        cluster(place, ground, postgres, seats, simulator.base_url) as running,
    ):
        found, done = storms.weather(running, fault, effort.clients, effort.storm_seconds, effort.faults)
    strikes = "\n".join(f"- {one}" for one in done)
    says = f"{effort.clients} clients for {effort.storm_seconds:g} s on two servers of two processes."
    return f"## {title}\n\n{says}\n\n{strikes}\n\n{found.says}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
