"""What a session's history costs: one session that grows, beside as many sends that each make a new one."""

from __future__ import annotations

import json
import time
from statistics import median

from bench import servers, wire
from bench.figures import spread, table
from bench.scenarios import Effort, Measured
from bench.servers import Field
from bench.targets import Target

TURNS = 50
ENDS = 10
NAMES = ["turns", "one session, ms", "new sessions, ms", "ratio", "one session, CPU ms"]


def growth(place: Field, effort: Effort) -> Measured:
    """The first turns of a session and the last of fifty."""
    ours = place.targets[1]
    grown: list[list[Sent]] = []
    fresh: list[list[Sent]] = []
    errors = []
    for _ in range(effort.growth_rounds):
        try:
            pair = _turns(ours, keeps_session=True), _turns(ours, keeps_session=False)
        except (OSError, wire.Broken) as error:
            errors.append(f"{ours.name}: {error}")
            continue
        grown.append(pair[0])
        fresh.append(pair[1])
    parts = {f"1-{ENDS}": slice(ENDS), f"{TURNS - ENDS + 1}-{TURNS}": slice(-ENDS, None)}
    rows = [[name, *_cells(grown, fresh, part)] for name, part in parts.items()]
    says = f"{TURNS} sends one after another into one session, beside as many that each make a new session."
    return Measured(table("A session that grows", says, NAMES, rows), errors)


# Milliseconds of one send, and processor milliseconds.
Sent = tuple[float, float]


def _cells(grown: list[list[Sent]], fresh: list[list[Sent]], part: slice) -> list[str]:
    old, new = ([median(ms for ms, _ in one[part]) for one in rounds] for rounds in (grown, fresh))
    ratio = [ours / base for ours, base in zip(old, new, strict=True)]
    cpu_ms = [sum(cpu for _, cpu in one[part]) / ENDS for one in grown]
    return [spread(old), spread(new), spread(ratio), spread(cpu_ms)]


def _turns(target: Target, *, keeps_session: bool) -> list[Sent]:
    """What each send took; raises OSError or Broken where one fails."""
    sent: list[Sent] = []
    more: dict[str, str] = {}
    with wire.Connection(target.url) as connection:
        for _ in range(TURNS):
            request = target.request(stream=False, **more)
            cpu_seconds, began = servers.cpu_seconds(target.pid), time.perf_counter()
            answer = connection.exchange(request)
            seconds = time.perf_counter() - began
            sent.append((seconds * 1000, (servers.cpu_seconds(target.pid) - cpu_seconds) * 1000))
            if answer.status != 201:
                raise wire.Broken(f"status {answer.status}: {answer.raw[:200]!r}")
            if keeps_session:
                more = {"session_id": json.loads(answer.raw)["message"]["session_id"]}
    return sent
