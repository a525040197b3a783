"""What processes have used: each counts with its children."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import psutil

MIB = 2**20


def processes(pids: Sequence[int]) -> Iterator[psutil.Process]:
    """The processes and their children, as far as they live."""
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(pid)
            yield from (leader, *leader.children(recursive=True))


def cpu_seconds(pids: Sequence[int]) -> float:
    """The processor time that processes and their children have used."""
    return sum(map(cpu_seconds_of, processes(pids)))


def cpu_seconds_of_one(pid: int) -> float:
    """The processor time of a process without its children."""
    return cpu_seconds_of(psutil.Process(pid))


def memory_mib(pids: Sequence[int]) -> float:
    """The memory of processes and their children; on Linux, a page that several share counts once."""
    return sum(map(_memory_bytes, processes(pids))) / MIB


def cpu_seconds_of(one: psutil.Process) -> float:
    """The processor time of a process; none where it has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        times = one.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _memory_bytes(one: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(one.memory_full_info().pss if psutil.LINUX else one.memory_info().rss)
    return 0
