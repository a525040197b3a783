"""Starts and stops what is measured: each in a process group of its own, in a temporary directory.

Nothing of the caller's environment reaches them but PATH: a real key must not end up in a benchmark.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import targets, wire
from bench.targets import Target

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Pace:
    """How the upstream answers: so many deltas, so many seconds apart."""

    deltas: int
    seconds_per_delta: float

    @property
    def whole_seconds(self) -> float:
        return self.deltas * self.seconds_per_delta


@dataclass(frozen=True)
class Field:
    """One upstream and those who lead to it; the first target is the upstream itself, called directly."""

    pace: Pace
    targets: tuple[Target, ...]
    start_seconds: float

    def asked_upstream(self) -> int:
        """How many messages the upstream was asked for so far."""
        return int(wire.get_json(self.targets[0].url, "/count")["messages"])


@contextmanager
def field(pace: Pace, directory: Path) -> Iterator[Field]:
    """Everything started, for as long as the block runs."""
    port, our_port = free_port(), free_port()
    url, our_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{our_port}"
    with running(upstream_command(port, pace), {}, directory, f"{url}/count") as upstream:
        began = time.perf_counter()
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "serve"]
        settings = our_settings(our_port, url, directory)
        with running(command, settings, directory, f"{our_url}/livez") as ours:
            seconds = time.perf_counter() - began
            both = targets.direct(url, upstream.pid), targets.colloquy(our_url, ours.pid)
            yield Field(pace, both, seconds)


def upstream_command(port: int, pace: Pace) -> list[str]:
    options = {"port": port, "deltas": pace.deltas, "seconds-per-delta": pace.seconds_per_delta}
    return [
        *(sys.executable, "-m", "bench.upstream"),
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def our_settings(port: int, upstream_url: str, directory: Path) -> dict[str, str]:
    return {
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{directory / f'{port}.db'}",
        "ANTHROPIC_BASE_URL": upstream_url,
        "ANTHROPIC_API_KEY": "bench",
        "COLLOQUY_ADMIN_KEY": targets.KEY,
        "COLLOQUY_LOG_LEVEL": "WARNING",
    }


@contextmanager
def running(
    command: list[str], settings: Mapping[str, str], directory: Path, ready_url: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process group, once `ready_url` answers; ended with all its children."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    log = directory / f"{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own Python
            command,
            env=environment,
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, ready_url, log)
        yield process
    finally:
        _end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    base, _, path = url.rpartition("/")
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        with suppress(OSError, wire.Broken):
            wire.get_json(base, f"/{path}")
            return
        time.sleep(0.02)
    raise RuntimeError(f"{' '.join(map(str, process.args))} did not start:\n{log.read_text()[-2000:]}")  # type: ignore[arg-type]


def last_words(directory: Path) -> str:
    """The ends of what the servers printed, for the reader of a run that went wrong."""
    return "\n".join(log.read_text()[-2000:] for log in sorted(directory.glob("*.log")))


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes(pid: int) -> list[psutil.Process]:
    """A process and its children."""
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """The processor time a process and its children have used."""
    times = [one.cpu_times() for one in processes(pid)]
    return float(sum(one.user + one.system for one in times))


def cpu_seconds_of_one(pid: int) -> float:
    """The processor time of a process without its children."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def rss_mib(pid: int) -> float:
    """The memory of a process and its children; pages they share are counted in each."""
    return float(sum(one.memory_info().rss for one in processes(pid))) / 2**20
