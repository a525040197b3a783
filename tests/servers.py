"""Servers as they are run: `flask serve` in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

from app.claude.simulator import Simulator
from tests.support import Api

ROOT = Path(__file__).resolve().parents[1]
KEY = "clq_" + "t" * 40


class Server:
    """One `flask serve`, and what it wrote."""

    def __init__(self, output: Path, prefix: Sequence[str] = (), **environ: str) -> None:
        """`prefix` is what the command begins with where it is to run on another host."""
        self.port = int(environ.get("PORT") or free_port())
        self.url = f"http://{environ.get('HOST', '127.0.0.1')}:{self.port}"
        self._output = output
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANTHROPIC_", "COLLOQUY_", "OTEL_"))
        }
        with output.open("ab") as sink:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "flask", "serve"],
                cwd=ROOT,
                env={**kept, **environ, "PORT": str(self.port)},
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_until_ready(self) -> Server:
        for _ in range(600):
            try:
                if httpx2.get(f"{self.url}/readyz").status_code == 200:
                    return self
            except httpx2.HTTPError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(self.output)

    def access(self, key: str = KEY) -> Api:
        return Api(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        """kill -9 for every process of it. The master stands still first, or it would replace a worker."""
        master = psutil.Process(self.process.pid)
        master.suspend()
        for one in [*master.children(recursive=True), master]:
            one.kill()
        self.process.wait()

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=40)


Serve = Callable[..., Server]


@contextmanager
def starting(folder: Path, simulator: Simulator) -> Iterator[Serve]:
    """Starts servers that talk to the simulator of the tests; ended at the end, whatever happens."""
    started: list[Server] = []

    def start(**environ: Any) -> Server:
        given = {"ANTHROPIC_BASE_URL": simulator.base_url, "ANTHROPIC_API_KEY": "sk-ant-test-0123456789"}
        given |= {"COLLOQUY_ADMIN_KEY": KEY, "DATABASE_URL": f"sqlite:///{folder}/colloquy.db"}
        started.append(Server(folder / "output", **{**given, **environ}))
        return started[-1]

    try:
        yield start
    finally:
        for one in started:
            if one.process.poll() is None:
                one.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
