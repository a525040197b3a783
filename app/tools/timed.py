"""A call on a thread of its own (under gevent a greenlet), given up when its time is up or its turn ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from app.claude.stop import Stop
from app.telemetry import tracing

T = TypeVar("T")
LOOKS_EVERY_SECONDS = 0.05


class GivenUp(Exception):
    """The call was not waited for any longer. `status` is tracing.TIMEOUT or tracing.CANCELLED."""

    def __init__(self, status: str, says: str) -> None:
        super().__init__(says)
        self.status = status


def run(act: Callable[[Stop], T], stop: Stop, seconds: float) -> T:
    """What it returns. It is given a Stop of its own, which is set when it is given up."""
    own, future, ends_at = Stop(), Future[T](), time.monotonic() + seconds
    if not stop.is_set:
        threading.Thread(target=_carry_out, args=(act, own, future), daemon=True).start()
    while not stop.is_set and (left := ends_at - time.monotonic()) > 0:
        if wait([future], min(left, LOOKS_EVERY_SECONDS)).done:
            return future.result()
    own.set(stop.reason or "interrupted")
    if stop.is_set:
        raise GivenUp(tracing.CANCELLED, "The call was cancelled.")
    raise GivenUp(tracing.TIMEOUT, f"The call took longer than {seconds:g} seconds and was given up.")


def _carry_out(act: Callable[[Stop], T], own: Stop, future: Future[T]) -> None:
    try:
        future.set_result(act(own))
    except BaseException as error:  # noqa: BLE001 - handed on; also sys.exit(), which must not be waited for
        future.set_exception(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))
