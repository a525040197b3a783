"""Servers on hosts, one PostgreSQL, and one address for all: nginx, or where there is none, each its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.cluster import gateways
from bench.cluster.gateways import Gateway, gateway
from bench.cluster.hosts import Ground, Host
from bench.cluster.postgres import KEPT_FOR_ADMINS, MOST_CONNECTIONS, Postgres, postgres
from tests.servers import KEY, Server, free_port

LEASE_SECONDS = 2.0


@dataclass(frozen=True)
class Seat:
    """A server: on which host, with how many processes."""

    host: Host
    workers: int = 1


@dataclass
class Cluster:
    """What runs. `urls` are where clients send: one address, or those of the servers."""

    folder: Path
    postgres: Postgres
    seats: Sequence[Seat]
    settings: Mapping[str, str]
    servers: list[Server] = field(default_factory=list)
    gateway: Gateway | None = None

    @property
    def urls(self) -> list[str]:
        """Where clients send."""
        return [self.gateway.url] if self.gateway else [one.url for one in self.servers]

    def start(self, at: int) -> Server:
        """Start the server of a seat, anew after it was killed, at the same address."""
        seat = self.seats[at]
        port = str(self.servers[at].port if at < len(self.servers) else free_port())
        given = {
            "HOST": seat.host.address,
            "PORT": port,
            "COLLOQUY_WORKERS": str(seat.workers),
            "COLLOQUY_DATABASE_CONNECTIONS": str(share(len(self.seats))),
            **self.settings,
        }
        server = Server(self.folder / f"server{at}.log", seat.host.prefix, **given)
        self.servers[at : at + 1] = [server]
        return server

    def stop(self) -> None:
        """End the servers, whatever state they are in."""
        for one in self.servers:
            if one.process.poll() is None:
                one.kill()


def share(servers: int) -> int:
    """How many connections each server may take, so that all of them fit."""
    return (MOST_CONNECTIONS - KEPT_FOR_ADMINS) // servers


@contextmanager
def database(folder: Path, ground: Ground) -> Iterator[Postgres]:
    """The PostgreSQL in the middle."""
    with postgres(folder / "postgres", ground.middle.address, free_port()) as running:
        yield running


@contextmanager
def cluster(
    folder: Path, ground: Ground, of: Postgres, seats: Sequence[Seat], upstream_url: str, **settings: str
) -> Iterator[Cluster]:
    """Servers that are ready, behind one address; ended at the end, whatever happens."""
    folder.mkdir()
    given = {
        "DATABASE_URL": of.url,
        "ANTHROPIC_BASE_URL": upstream_url,
        "ANTHROPIC_API_KEY": "sk-ant-bench-0123456789",
        "COLLOQUY_ADMIN_KEY": KEY,
        "COLLOQUY_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
        "COLLOQUY_LOG_LEVEL": "WARNING",
        **settings,
    }
    made = Cluster(folder, of, seats, given)
    with ExitStack() as stack:
        stack.callback(made.stop)
        for at in range(len(seats)):
            made.start(at)
        for server in made.servers:
            server.wait_until_ready()
        if program := gateways.find():
            addresses = [one.url.removeprefix("http://") for one in made.servers]
            here = (ground.middle.address, free_port())
            made.gateway = stack.enter_context(gateway(program, folder / "nginx", here, addresses))
        yield made
