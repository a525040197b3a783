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
from bench.cluster import hosts
from bench.cluster.clusters import Cluster, Seat, cluster, database
from bench.figures import table
from bench.soak.persons import Person
from bench.soak.readings import Reading, kept_rows, read, rows
from bench.soak.verdicts import Line, fitted, verdicts

PERSONS = 8
WORKERS = 2
WARM_UP = 0.15  # of the time
LEAST_WARM_UP_SECONDS = 30.0
REST_SECONDS = 5.0
READINGS = 120
LONGEST_PRUNING_SECONDS = 150.0  # events, and windows of a minute, are let go of once a minute
SETTINGS = {
    "COLLOQUY_EVENTS_KEPT_SECONDS": "20",
    "COLLOQUY_SILENCE_TIMEOUT_SECONDS": "2",
    "COLLOQUY_RETRY_DEADLINE_SECONDS": "3",
    "COLLOQUY_REQUESTS_PER_MINUTE": "100000",
    "COLLOQUY_TOKENS_PER_MINUTE": "1000000000",
}
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
    seconds = parser.parse_args(arguments).minutes * 60
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
    return report(soaked, seconds)


def soak(running: Cluster, seconds: float) -> Soaked:
    """Warm up with a worker killed, rest, load, and wait until all is let go of that has its time."""
    server, postgres = running.servers[0], running.postgres
    started = rows(postgres)
    with server.access() as admin:
        people = [Person(admin, server.url, seed) for seed in range(PERSONS)]
        warm_up_seconds = max(seconds * WARM_UP, LEAST_WARM_UP_SECONDS)
        threading.Timer(warm_up_seconds / 3, _kill_a_worker, (server,)).start()
        print(f"Warming up for {warm_up_seconds:.0f} s; a worker is killed in between.", flush=True)
        _load(people, warm_up_seconds, running)
        before = _rested(running)
        print(f"Load for {seconds:.0f} s.", flush=True)
        line = fitted(_load(people, seconds, running))
        print(
            f"Waiting until what has its time is let go of, {LONGEST_PRUNING_SECONDS:.0f} s at most.",
            flush=True,
        )
        left = _pruned(running, started)
        after = _rested(running)
    wrong = [one for person in people for one in person.wrong]
    done = sum((person.done for person in people), Counter[str]())
    return Soaked(line, (before, after), (started, left), kept_rows(postgres), done, wrong)


def report(soaked: Soaked, seconds: float) -> int:
    """Print the table and the verdict; 1 where something grew or went wrong."""
    found = verdicts(soaked.line, soaked.idle, WORKERS * KEPT_CONNECTIONS, soaked.rows)
    says = (
        f"{PERSONS} people at a time, {WORKERS} processes, PostgreSQL, {seconds / 60:g} minutes. A person "
        f"does some forty things at random and is erased. Done: {_listed(soaked.done)}."
    )
    print(table("Soak", says, NAMES, [one.row for one in found]))
    print(soaked.line.says)
    print(f"The books are kept for good: {_listed(soaked.kept)} rows.")
    bad = [one.what for one in found if not one.is_fine]
    wrong = [f"{len(soaked.wrong)} answers that should not be", *soaked.wrong[:5]] if soaked.wrong else []
    print(
        "\n".join(
            [
                f"**Verdict: {'grew: ' + ', '.join(bad) if bad else 'everything ended where it began'}.**",
                *wrong,
            ]
        )
    )
    return int(bool(bad or wrong))


def _load(people: Sequence[Person], seconds: float, running: Cluster) -> list[Reading]:
    """All at work at once; what was read meanwhile."""
    ends_at = time.monotonic() + seconds
    threads = [threading.Thread(target=one.live_until, args=(ends_at,)) for one in people]
    for one in threads:
        one.start()
    readings = []
    while time.monotonic() < ends_at:
        time.sleep(seconds / READINGS)
        readings.append(read(running.servers[0], running.postgres))
    for one in threads:
        one.join()
    return readings


def _kill_a_worker(server: Seat) -> None:
    server.workers()[0].kill()


def _rested(running: Cluster) -> Reading:
    time.sleep(REST_SECONDS)
    return read(running.servers[0], running.postgres)


def _pruned(running: Cluster, started: dict[str, int]) -> dict[str, int]:
    """The rows, when there are no more than at the start, or time is up."""
    ends_at = time.monotonic() + LONGEST_PRUNING_SECONDS
    while True:
        left = rows(running.postgres)
        if all(left[name] <= started[name] for name in started) or time.monotonic() > ends_at:
            return left
        time.sleep(1)


def _listed(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in Counter(counts).most_common())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
