"""Who runs where: what is measured has one core for itself, the load and its upstream have the others.

It is the same for every target. Where cores cannot be given, all share what there is, and `says` says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from contextlib import contextmanager

ALL: Set[int] = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()
CAN_BE_GIVEN = len(ALL) > 1
SERVED = frozenset({max(ALL)}) if CAN_BE_GIVEN else ALL
LOAD = ALL - SERVED if CAN_BE_GIVEN else ALL


@contextmanager
def on(cores: Set[int]) -> Iterator[None]:
    """What is started in this block, and this process, runs on these cores."""
    if not CAN_BE_GIVEN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def says() -> str:
    """A sentence on who has which cores."""
    if not CAN_BE_GIVEN:
        return "The load client, the upstream and what is measured share the cores."
    return (
        "What is measured has one core for itself, its database with it; "
        f"the load client and the upstream share the other{f' {len(LOAD)}' * (len(LOAD) > 1)}."
    )
