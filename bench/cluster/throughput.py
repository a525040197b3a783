"""How many requests and streams a second go through the whole, and where the processor time goes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import gevent
import psutil

from bench import meters, wire
from bench.cluster.clusters import Cluster
from bench.figures import percentile, short
from tests.servers import KEY

CLIENTS = 32
WARM_UP_SECONDS = 1.0
NAMES = [
    *(
        "processes",
        "on",
        "what",
        "answers/s",
        "ms p50",
        "ms p99",
        "servers' CPU ms each",
        "PostgreSQL's",
        "nginx's",
    ),
    *("cores in use", "connections"),
]


@dataclass
class Load:
    """What one load gave."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wall_seconds: float = 0.0
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    connections: int = 0


def row(cluster: Cluster, seconds: float, *, stream: bool) -> tuple[list[str], list[str]]:
    """A line of the table, and what went wrong."""
    _put(cluster, WARM_UP_SECONDS, stream=stream)
    load = _put(cluster, seconds, stream=stream)
    count = max(len(load.seconds), 1)
    cpu_ms = {name: 1000 * spent / count for name, spent in load.cpu_seconds.items()}
    cores = sum(load.cpu_seconds.values()) / load.wall_seconds
    line = [
        str(sum(one.workers for one in cluster.seats)),
        f"{len(cluster.seats)} host{'s' if len(cluster.seats) > 1 else ''}",
        "streams" if stream else "JSON",
        short(len(load.seconds) / load.wall_seconds),
        *(short(percentile(load.seconds, at) * 1000) for at in (50, 99)),
        *(short(cpu_ms[name]) if name in cpu_ms else "-" for name in ("servers", "PostgreSQL", "nginx")),
        short(cores),
        str(load.connections),
    ]
    return line, load.errors


def _put(cluster: Cluster, seconds: float, *, stream: bool) -> Load:
    load = Load()
    with _measured(cluster, load) as began:
        crowd = [
            gevent.spawn(_client, cluster.urls[at % len(cluster.urls)], began + seconds, load, stream)
            for at in range(CLIENTS)
        ]
        gevent.joinall(crowd)
        load.connections = cluster.postgres.count_connections()
    return load


def _client(url: str, ends_at: float, load: Load, stream: bool) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    request = wire.rendered(
        "POST", "/messages", headers, {"content": "Tell me of the fox.", "stream": stream}
    )
    end = b"event: colloquy.done" if stream else b'"end_turn"'
    connection = wire.Connection(url)
    while time.perf_counter() < ends_at:
        try:
            answer = connection.exchange(request)
            if answer.status not in {200, 201} or end not in answer.raw:
                raise wire.Broken(f"status {answer.status}: {answer.raw[:200]!r}")
            load.seconds.append(answer.whole_seconds)
        except (OSError, wire.Broken) as error:
            load.errors.append(repr(error))
            connection.close()
            connection = wire.Connection(url)
    connection.close()


@contextmanager
def _measured(cluster: Cluster, load: Load) -> Iterator[float]:
    leaders = {"clients": [os.getpid()], "servers": [one.process.pid for one in cluster.servers]}
    leaders["PostgreSQL"] = [cluster.postgres.pid]
    if cluster.gateway:
        leaders["nginx"] = [cluster.gateway.pid]
    before, began = _spent(leaders), time.perf_counter()
    yield began
    load.wall_seconds = time.perf_counter() - began
    after = _spent(leaders)
    load.cpu_seconds = {name: after[name] - before[name] for name in leaders}


def _spent(leaders: Mapping[str, list[int]]) -> dict[str, float]:
    """The processor time of processes with their children; of this one without, for they are others' here."""
    return {
        name: sum(_of_one(psutil.Process(pid), alone=name == "clients") for pid in pids)
        for name, pids in leaders.items()
    }


def _of_one(process: psutil.Process, *, alone: bool) -> float:
    own = process.cpu_times()
    if alone:
        return float(own.user + own.system)
    children = sum(map(meters.cpu_seconds_of, process.children(recursive=True)))
    return float(own.user + own.system + own.children_user + own.children_system) + children
