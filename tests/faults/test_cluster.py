"""Two servers behind nginx on one PostgreSQL: one is killed, PostgreSQL restarted, while clients are at work.

The quick form of `make cluster`, on addresses of loopback.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.claude.simulator import Simulator
from bench.cluster import hosts, storms
from bench.cluster.clusters import Cluster, Seat, cluster, database
from tests.faults.conftest import Found, Scale

CLIENTS = 12
TRIES = 4


@pytest.fixture(scope="module")
def running(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    ground, folder = hosts.loopback(), tmp_path_factory.mktemp("cluster")
    seats = [Seat(one) for one in ground.hosts]
    with (
        database(folder, ground) as postgres,
        cluster(folder / "servers", ground, postgres, seats, simulator.base_url) as started,
    ):
        yield started


def test_a_server_that_is_killed_loses_nothing_and_its_streams_go_on_at_the_other(
    running: Cluster, scale: Scale, found: Found
) -> None:
    seconds, kills = scale.storm_seconds, scale.storm_faults
    for _ in range(TRIES):  # where no stream is open on the server just then, once more
        came, done = storms.weather(running, storms.kill_server, CLIENTS, seconds, kills)
        assert len(done) == kills
        if came.resumed_seconds:
            break
    assert came.resumed_seconds, "no stream was open on the server that was killed"
    found(f"{kills} of 2 servers behind one address killed under load: {came.says}")


def test_a_database_that_is_restarted_loses_nothing_and_is_waited_for(
    running: Cluster, scale: Scale, found: Found
) -> None:
    seconds, restarts = scale.storm_seconds, 2 * scale.storm_faults
    came, done = storms.weather(running, storms.restart_postgres, CLIENTS, seconds, restarts)
    assert len(done) == restarts
    assert came.statuses.keys() == {"complete"}, "an answer in the making waits for its database"
    assert came.retried, "nobody asked while it was away"
    found(f"PostgreSQL restarted {restarts} times under load: {came.says}")
