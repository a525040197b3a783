"""How the upstream shall answer. Each request says so in its prompt, so one upstream serves every load."""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK = re.compile(rb"\[\[(\d+) deltas, ([\d.]+) s apart\]\]")


@dataclass(frozen=True)
class Pace:
    """So many deltas, so many seconds apart; at 0, all at once."""

    deltas: int
    seconds_per_delta: float = 0.0

    @property
    def whole_seconds(self) -> float:
        """How long a stream is."""
        return self.deltas * self.seconds_per_delta

    @property
    def mark(self) -> str:
        """What a prompt says to be answered at this pace."""
        return f"[[{self.deltas} deltas, {self.seconds_per_delta:g} s apart]]"


USUAL = Pace(20)


def pace_in(body: bytes) -> Pace:
    """The pace that a request's last mark says; the usual one where there is none."""
    at = body.rfind(b"[[")
    found = MARK.match(body, at) if at >= 0 else None
    return Pace(int(found[1]), float(found[2])) if found else USUAL
