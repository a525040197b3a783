"""`python -m bench.soak --minutes 30`: mixed load with faults; what must end where it began, does it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.claude.simulator import Simulator
from app.extensions import KEPT_CONNECTIONS
from bench import pages
from bench.cluster import hosts
from bench.cluster.clusters import Cluster, Seat, cluster, database
from bench.figures import table
from bench.soak.persons import Person
from bench.soak.readings import TIMED, Reading, kept_rows, read, rows
from bench.soak.verdicts import Line, fitted, verdicts
from tests.servers import Server

PERSONS = 8
WORKERS = 2
WARM_UP = 0.15  # of the time
LEAST_WARM_UP_SECONDS = 30.0
REST_SECONDS = 8.0  # more than clients keep connections that they don't use
READINGS = 120
LONGEST_PRUNING_SECONDS = 150.0  # events, and windows of a minute, are let go of once a minute
SETTINGS = {
    "COLLOQUY_EVENTS_KEPT_SECONDS": "20",
    "COLLOQUY_SILENCE_TIMEOUT_SECONDS": "2",
    "COLLOQUY_RETRY_DEADLINE_SECONDS": "3",
    "COLLOQUY_REQUESTS_PER_MINUTE": "100000",
    "COLLOQUY_TOKENS_PER_MINUTE": "1000000000",
}
PART = "soak"
NAMES = ["what", "began", "ended", "may", "fine"]


@dataclass
class Soaked:
    """What came of it."""

    line: Line
    idle: tuple[Reading, Reading]
    rows: tuple[dict[str, int], dict[str, int]]
    kept: dict[str, int]
    done: Counter[str]
    wrong: list[str]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of load; warm-up and pruning are added")
    pages.add_write_option(parser)
    options = parser.parse_args(arguments)
    seconds = options.minutes * 60
    ground = hosts.loopback()
    with (
        tempfile.TemporaryDirectory(prefix="soak") as name,
        database(Path(name), ground) as postgres,
        Simulator(seconds_per_event=0.002) as simulator,
        cluster(
            Path(name) / "server",
            ground,
            postgres,
            [Seat(ground.hosts[0], WORKERS)],
            simulator.base_url,
            **SETTINGS,
        ) as running,
    ):
        soaked = soak(running, seconds)
    text, is_fine = report(soaked, seconds)
    print(text)
    if options.write:
        pages.put(options.write, PART, text)
    return int(not is_fine)


def soak(running: Cluster, seconds: float) -> Soaked:
    """Warm up with a worker killed, rest, load, and wait until all is let go of that has its time."""
    server, postgres = running.servers[0], running.postgres
    started = rows(postgres)
    with server.access() as admin:
        people = [Person(admin, server.url, seed) for seed in range(PERSONS)]
        resident = Person(admin, server.url, PERSONS)
        warm_up_seconds = max(seconds * WARM_UP, LEAST_WARM_UP_SECONDS)
        threading.Timer(warm_up_seconds / 3, _kill_a_worker, (server,)).start()
        print(f"Warming up for {warm_up_seconds:.0f} s; a worker is killed in between.", flush=True)
        _load(people, warm_up_seconds, running)
        before = _rested(running)
        print(f"Load for {seconds:.0f} s.", flush=True)
        resident.arrive()
        line = fitted(_load(people, seconds, running, resident))
        print(f"Waiting {LONGEST_PRUNING_SECONDS:.0f} s at most for what has its time.", flush=True)
        left = _pruned(running, started)
        resident.leave()
        left = rows(postgres) | left
        after = _rested(running)
    people.append(resident)
    wrong = [one for person in people for one in person.wrong]
    done = sum((person.done for person in people), Counter[str]())
    return Soaked(line, (before, after), (started, left), kept_rows(postgres), done, wrong)


def report(soaked: Soaked, seconds: float) -> tuple[str, bool]:
    """The table and the verdict, and whether nothing grew or went wrong."""
    found = verdicts(soaked.line, soaked.idle, WORKERS * KEPT_CONNECTIONS, soaked.rows)
    says = (
        f"Made by `make soak`. {PERSONS} people at a time, {WORKERS} processes, PostgreSQL, {seconds / 60:g} "
        "minutes. Each does some forty things at random and is erased; one stays. "
        f"Done: {_listed(soaked.done)}."
    )
    bad = [one.what for one in found if not one.is_fine]
    verdict = f"grew: {', '.join(bad)}" if bad else "everything ended where it began"
    wrong = [f"{len(soaked.wrong)} answers that should not be", *soaked.wrong[:5]] if soaked.wrong else []
    lines = [
        table("Soak", says, NAMES, [one.row for one in found]),
        soaked.line.says,
        f"The books are kept for good: {_listed(soaked.kept)} rows.\n",
        f"**Verdict: {verdict}.**",
        *wrong,
    ]
    return "\n".join(lines), not (bad or wrong)


def _load(
    people: Sequence[Person], seconds: float, running: Cluster, resident: Person | None = None
) -> list[Reading]:
    """All at work at once; what was read meanwhile."""
    ends_at = time.monotonic() + seconds
    acts = [one.live_until for one in people] + ([resident.stay_until] if resident else [])
    threads = [threading.Thread(target=act, args=(ends_at,)) for act in acts]
    for one in threads:
        one.start()
    readings = []
    while time.monotonic() < ends_at:
        time.sleep(seconds / READINGS)
        readings.append(read(running.servers[0], running.postgres))
    for one in threads:
        one.join()
    return readings


def _kill_a_worker(server: Server) -> None:
    server.workers()[0].kill()


def _rested(running: Cluster) -> Reading:
    time.sleep(REST_SECONDS)
    return read(running.servers[0], running.postgres)


def _pruned(running: Cluster, started: dict[str, int]) -> dict[str, int]:
    """The rows of what has its time, when there are no more than at the start, or time is up."""
    ends_at = time.monotonic() + LONGEST_PRUNING_SECONDS
    while True:
        left = rows(running.postgres)
        if all(left[name] <= started[name] for name in TIMED) or time.monotonic() > ends_at:
            return {name: left[name] for name in TIMED}
        time.sleep(1)


def _listed(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in Counter(counts).most_common())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
