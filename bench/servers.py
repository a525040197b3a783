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
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench import cores, targets, wire
from bench.failures import Missing

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0
STOP_SECONDS = 20.0
PAUSE_SECONDS = 0.02
OUR_PATH = {"PYTHONPATH": str(ROOT)}


@dataclass(frozen=True)
class Program:
    """How a server is started; `name` is that of its log."""

    name: str
    command: Sequence[str | Path]
    settings: Mapping[str, str]


def upstream(port: int) -> Program:
    """The fake Claude."""
    return Program("upstream", [sys.executable, "-m", "bench.upstream", "--port", str(port)], OUR_PATH)


def colloquy(name: str, port: int, upstream_url: str, database_url: str) -> Program:
    """Our server, with what everybody gets who sets nothing."""
    settings = {
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "ANTHROPIC_BASE_URL": upstream_url,
        "ANTHROPIC_API_KEY": "bench",
        "COLLOQUY_ADMIN_KEY": targets.KEY,
        "COLLOQUY_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "serve"]
    return Program(name, command, {**OUR_PATH, **settings})


@contextmanager
def running(
    program: Program, directory: Path, ask: Callable[[], object], on: Set[int] = cores.LOAD
) -> Iterator[subprocess.Popen[bytes]]:
    """It runs for as long as the block; `ask` raises OSError or Broken until it answers."""
    log = directory / f"{program.name}.log"
    environ = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    with log.open("wb") as output, cores.on(on):
        process = subprocess.Popen(  # noqa: S603 - what we start ourselves
            [str(part) for part in program.command],
            env={**environ, **program.settings},
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(process, program, ask, log)
        yield process
    finally:
        _end(process)


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], program: Program, ask: Callable[[], object], log: Path
) -> None:
    said = ""
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            ask()
        except (OSError, wire.Broken) as error:
            said = str(error)
            time.sleep(PAUSE_SECONDS)
        else:
            return
    raise Missing(f"{program.name} did not start ({said}). What it printed last:\n{_end_of(log)}")


def last_words(directory: Path) -> str:
    """The ends of what the servers printed, for the reader of a run that went wrong."""
    return "\n".join(f"{log.stem}:\n{_end_of(log)}" for log in sorted(directory.glob("*.log")))


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
