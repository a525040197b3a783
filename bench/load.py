"""The load client: greenlets that each send one request after another and note how long each took.

An answer that is not whole is an error, and a load with errors is not a result.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import gevent

from bench import meters, wire
from bench.paces import Pace
from bench.targets import Target

PATIENCE_SECONDS = 240.0
MEMORY_EVERY_SECONDS = 0.5


@dataclass
class Load:
    """What one load on one target gave. Times are of single requests, CPU and memory of the target."""

    target: str
    first_seconds: list[float] = field(default_factory=list)
    whole_seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    load_cpu_seconds: float = 0.0
    peak_mib: float = 0.0

    @property
    def requests(self) -> int:
        return len(self.whole_seconds)

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.wall_seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time of the target for each request."""
        return self.cpu_seconds * 1000 / max(self.requests, 1)

    @property
    def load_cores(self) -> float:
        """How many cores client and upstream used: near what they have, it is they who are measured."""
        return self.load_cpu_seconds / self.wall_seconds


@dataclass(frozen=True)
class Work:
    """What each client sends: the same request until the time is over, or so many times.

    The clients begin one by one over `spread_seconds`; else those of equal streams would stay in step.
    """

    stream: bool
    pace: Pace
    seconds: float = 0.0
    times: int | None = None
    spread_seconds: float = 0.0

    def goes_on(self, done: int, began: float) -> bool:
        if self.times is not None:
            return done < self.times
        return time.perf_counter() - began < self.seconds


def put(target: Target, clients: int, work: Work) -> Load:
    """Put a load on a target and wait until every answer is in."""
    load = Load(target.name)
    with _measured(target, load) as began:
        waits = [work.spread_seconds * number / clients for number in range(clients)]
        crowd = [gevent.spawn_later(wait, _client, target, work, load, began) for wait in waits]
        gevent.joinall(crowd, timeout=work.seconds + PATIENCE_SECONDS)
        late = [one for one in crowd if not one.ready()]
        load.errors += [f"no end after {PATIENCE_SECONDS:g} s"] * len(late)
        gevent.killall(late)
        load.errors += [repr(one.exception) for one in crowd if one.exception]
    return load


@contextmanager
def _measured(target: Target, load: Load) -> Iterator[float]:
    watcher = gevent.spawn(_watch_memory, target.pids, load)
    cpu_seconds, load_cpu_seconds = meters.cpu_seconds(target.pids), _load_cpu_seconds(target)
    began = time.perf_counter()
    try:
        yield began
    finally:
        load.wall_seconds = time.perf_counter() - began
        load.cpu_seconds = meters.cpu_seconds(target.pids) - cpu_seconds
        load.load_cpu_seconds = _load_cpu_seconds(target) - load_cpu_seconds
        watcher.kill()


def _load_cpu_seconds(target: Target) -> float:
    return meters.cpu_seconds_of_one(os.getpid()) + meters.cpu_seconds([target.upstream_pid])


def _watch_memory(pids: Sequence[int], load: Load) -> None:
    while True:
        load.peak_mib = max(load.peak_mib, meters.memory_mib(pids))
        gevent.sleep(MEMORY_EVERY_SECONDS)


def _client(target: Target, work: Work, load: Load, began: float) -> None:
    request = target.request(work.pace, stream=work.stream)
    mark = target.first_event if work.stream else b""
    done = 0
    connection = wire.Connection(target.url)
    while work.goes_on(done, began):
        done += 1
        try:
            answer = connection.exchange(request, mark)
            _check(target, work, answer)
        except (OSError, wire.Broken) as error:
            load.errors.append(f"{type(error).__name__}: {error}")
            connection.close()
            connection = wire.Connection(target.url)
            continue
        load.whole_seconds.append(answer.whole_seconds)
        if answer.first_seconds is not None:
            load.first_seconds.append(answer.first_seconds)
    connection.close()


def _check(target: Target, work: Work, answer: wire.Answer) -> None:
    if not 200 <= answer.status < 300:
        raise wire.Broken(f"status {answer.status}: {answer.raw[:200]!r}")
    end = target.last_event if work.stream else target.whole_has
    if end not in answer.raw:
        raise wire.Broken(f"an answer without {end!r}: …{answer.raw[-200:]!r}")
    if work.stream and answer.raw.count(target.delta) != work.pace.deltas:
        raise wire.Broken("a stream with too few deltas or too many")
