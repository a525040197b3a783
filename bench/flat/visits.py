"""Requests to an app in this process: everything but the sockets, and what each of them costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from app.extensions import parts
from bench.apps import Visitor
from bench.failures import Missing
from bench.figures import percentile
from bench.flat.counting import Counts, counted

MOST_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Visit:
    """What one request took, with all that it left to the background."""

    seconds: float
    cpu_seconds: float
    counts: Counts


@dataclass(frozen=True)
class Visits:
    """Many of the same kind."""

    all: Sequence[Visit]

    def ms(self, percent: float) -> float:
        """A percentile of their milliseconds."""
        return percentile([one.seconds * 1000 for one in self.all], percent)

    def cpu_ms(self) -> float:
        """The median of their processor time."""
        return median(one.cpu_seconds * 1000 for one in self.all)

    def count(self, name: str) -> float:
        """The median of one of the counts."""
        return float(median(getattr(one.counts, name) for one in self.all))


def visit(visitor: Visitor, method: str, path: str, payload: Any = None) -> Visit:
    """Make a request; raises Missing where it is refused."""
    headers = {"Authorization": f"Bearer {visitor.key}"}
    client = visitor.app.test_client()
    began, cpu_began = time.perf_counter(), time.process_time()
    with counted() as counts:
        answer = client.open(path, method=method, json=payload, headers=headers)
        answer.get_data()
        seconds = time.perf_counter() - began
        parts().runner.wait(MOST_WAIT_SECONDS)
    if answer.status_code >= 400:
        raise Missing(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
    return Visit(seconds, time.process_time() - cpu_began, counts)
