"""`python -m bench.log_streams URL STREAMS`: how long the events of streams wait to be stored."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # as gunicorn.conf.py does

import json
import random
import sys
import threading
import time
from collections.abc import Sequence

from flask import Flask

from app import create_app, start
from app.claude.events import Event
from app.cli.migrations import upgrade
from app.services import logs, turns, users
from app.services.identity import Caller, identify
from app.services.preparations import Draft
from app.turns.log import Log
from bench.figures import percentile
from config import Config

CONTENT = [{"type": "text", "text": "[[reply: words=60 seconds_per_event=0.05]]"}]
SPREAD_SECONDS = 2.0

came: dict[tuple[str, int], float] = {}
delays: list[tuple[bool, float]] = []  # whether it is the first event of Claude's, and ms
writes: list[float] = []


def watch() -> None:
    """Note when an event comes, and when the log is written."""
    append, write = Log.append, logs.write

    def append_noted(self: Log, event: Event) -> None:
        came[self.message_id, len(self.events) + 1] = time.perf_counter()
        append(self, event)

    def write_noted(some: Sequence[Log]) -> None:
        writes.append(time.perf_counter())
        write(some)

    Log.append, logs.write = append_noted, write_noted  # type: ignore[method-assign]


def read(app: Flask, caller: Caller) -> None:
    """One stream, from its begin to its end."""
    time.sleep(random.uniform(0, SPREAD_SECONDS))
    with app.app_context():
        begun, is_first = turns.start(caller, Draft(CONTENT), "req_bench"), True
        for number, event in filter(None, turns.opened(begun).follow(after=0)):
            at = came.get((begun.made.message_id, number))
            if at and not event.name.startswith("colloquy."):
                delays.append((is_first, (time.perf_counter() - at) * 1000))
                is_first = False


def main(url: str, streams: int) -> None:
    """Print the delays in ms of first and of all events, and the writes a second."""
    watch()
    app = create_app(Config(database_url=url, upstream="simulator", log_level="ERROR"))
    with app.app_context():
        upgrade()
        start(app)
        caller = identify(users.add_key(users.add("Ada").id, "bench")[1])
    read(app, caller)  # what only the first one pays for
    delays.clear()
    writes.clear()
    began = time.perf_counter()
    threads = [threading.Thread(target=read, args=(app, caller)) for _ in range(streams)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    per_second = len(writes) / (time.perf_counter() - began)
    first, every = [ms for is_first, ms in delays if is_first], [ms for _, ms in delays]
    print(json.dumps([*(percentile(some, at) for some in (first, every) for at in (50, 99)), per_second]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
