"""Faults while clients are at work: a server killed with kill -9, PostgreSQL restarted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from bench.cluster.checks import Found, check
from bench.cluster.clients import Client
from bench.cluster.clusters import Cluster
from tests.faults.crowds import at_once

AWAY_SECONDS = 1.5
SECONDS_TO_FINISH = 120.0

Fault = Callable[[Cluster, int], str]


def weather(
    cluster: Cluster, fault: Fault, clients: int, seconds: float, faults: int
) -> tuple[Found, list[str]]:
    """Clients at work for so long with so many faults between; what was found, and what was done to it."""
    crowd = [Client(_from(cluster.urls, at), at) for at in range(clients)]
    done: list[str] = []
    ends_at = time.monotonic() + seconds
    acts: Sequence[Callable[[], None]] = [partial(one.act_until, ends_at) for one in crowd]
    at_once([*acts, partial(_strike, cluster, fault, faults, seconds, done)], seconds + SECONDS_TO_FINISH)
    try:
        return check(crowd, cluster.servers), done
    finally:
        for one in crowd:
            one.close()


def kill_server(cluster: Cluster, number: int) -> str:
    """kill -9 for all processes of a server, each in turn; another one takes its place a little later."""
    at = number % len(cluster.servers)
    cluster.servers[at].kill()
    killed_at = time.monotonic()
    time.sleep(AWAY_SECONDS)
    cluster.start(at).wait_until_ready()
    return f"{cluster.seats[at].host.name} killed, served again after {time.monotonic() - killed_at:.1f} s"


def restart_postgres(cluster: Cluster, number: int) -> str:
    """Stop PostgreSQL, in turn orderly and as in a crash, and start it again a little later."""
    how = ("fast", "immediate")[number % 2]
    stopped_at = time.monotonic()
    cluster.postgres.stop(how)
    time.sleep(AWAY_SECONDS)
    cluster.postgres.start()
    return f"PostgreSQL stopped ({how}), there again after {time.monotonic() - stopped_at:.1f} s"


def _from(urls: list[str], at: int) -> list[str]:
    """The same addresses, begun elsewhere."""
    start = at % len(urls)
    return [*urls[start:], *urls[:start]]


def _strike(cluster: Cluster, fault: Fault, faults: int, seconds: float, done: list[str]) -> None:
    for number in range(faults):
        time.sleep(seconds / (faults + 1))
        done.append(fault(cluster, number))
