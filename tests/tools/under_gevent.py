"""Calls tools that misbehave in a process like gunicorn's, and says how the rest of it fared."""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import psutil  # noqa: E402

from app.tools.values import Limits  # noqa: E402
from tests.tools.hosting import call, loaded  # noqa: E402

BAD = ("loop", "stay_with_programs", "take_all_memory", "flood", "leave", "recurse", "leave_a_thread")
LIMITS = Limits(seconds=4, kept_characters=100_000)


def main() -> None:
    statuses, pauses, is_over = dict[str, str](), list[float](), threading.Event()

    def tick() -> None:
        last = time.monotonic()
        while not is_over.wait(0.005):
            now = time.monotonic()
            pauses.append(now - last)
            last = now

    def misbehave(name: str) -> None:
        statuses[name] = call(registry, name, LIMITS).status

    with loaded(LIMITS, folder=sys.argv[1]) as registry:
        threads = [threading.Thread(target=misbehave, args=(name,)) for name in BAD]
        ticking = threading.Thread(target=tick)
        for one in [ticking, *threads]:
            one.start()
        good = 0
        while any(one.is_alive() for one in threads):
            result = call(registry, "book", LIMITS, day="Monday")
            good += result.content == "2 on Monday"
        is_over.set()
        ticking.join()
    left = [one.name() for one in psutil.Process().children(recursive=True)]
    says = {"statuses": statuses, "good": good, "longest_pause_seconds": max(pauses), "left": left}
    sys.stdout.write(json.dumps(says))


if __name__ == "__main__":
    main()
