"""All that is measured, started one after the other on one upstream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import cores, meters, servers, targets, wire
from bench.databases import postgresql
from bench.paces import USUAL
from bench.peers import litellm
from bench.servers import Program
from bench.targets import Target


@dataclass(frozen=True)
class Started:
    """A target that has answered: how long that took from its start, and what memory it holds now."""

    target: Target
    seconds: float
    memory_mib: float


@dataclass(frozen=True)
class Field:
    """One upstream and those who lead to it; the first target is the upstream itself, called directly."""

    targets: tuple[Target, ...]
    started: tuple[Started, ...]

    def asked_upstream(self) -> int:
        """How many messages the upstream was asked for so far."""
        return int(wire.get_json(self.targets[0].url, "/count")["messages"])


@contextmanager
def field(directory: Path, *, peers: bool) -> Iterator[Field]:
    """Everything started, for as long as the block runs. Databases in the directory are used again."""
    with ExitStack() as stack:
        port = servers.free_port()
        base = targets.direct(f"http://127.0.0.1:{port}")
        first = _started(stack, base, servers.upstream(port), directory)
        with cores.on(cores.SERVED):
            database_url, database_pid = stack.enter_context(postgresql(directory))
        found = [
            _ours(stack, targets.SQLITE, f"sqlite:///{directory}/colloquy.db", base.url, directory),
            _ours(stack, targets.POSTGRESQL, database_url, base.url, directory, database_pid),
        ]
        if peers:
            found.append(_litellm(stack, base.url, directory))
        pid = first.target.pids[0]
        leading = [replace(one.target, upstream_pid=pid) for one in (first, *found)]
        leading += [targets.litellm_chat(one) for one in leading if one.name == targets.LITELLM]
        yield Field(tuple(leading), tuple(found))


def _ours(
    stack: ExitStack, name: str, database_url: str, upstream_url: str, directory: Path, *others: int
) -> Started:
    port = servers.free_port()
    program = servers.colloquy(name, port, upstream_url, database_url)
    target = targets.colloquy(name, f"http://127.0.0.1:{port}")
    return _started(stack, target, program, directory, *others)


def _litellm(stack: ExitStack, upstream_url: str, directory: Path) -> Started:
    port = servers.free_port()
    program = litellm.program(port, upstream_url, directory)
    return _started(stack, targets.litellm(f"http://127.0.0.1:{port}"), program, directory)


def _started(stack: ExitStack, target: Target, program: Program, directory: Path, *others: int) -> Started:
    """Started and asked for messages until it answers one; `others` are processes that work for it."""
    on = cores.LOAD if target.name == targets.DIRECT else cores.SERVED
    began = time.perf_counter()
    process = stack.enter_context(servers.running(program, directory, lambda: _ask(target), on))
    seconds = time.perf_counter() - began
    pids = (process.pid, *others)
    return Started(replace(target, pids=pids), seconds, meters.memory_mib(pids))


def _ask(target: Target) -> None:
    with wire.Connection(target.url) as connection:
        answer = connection.exchange(target.request(USUAL, stream=False))
    if not 200 <= answer.status < 300:
        raise wire.Broken(f"status {answer.status}: {answer.raw[:200]!r}")
