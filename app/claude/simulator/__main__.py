"""`python -m app.claude.simulator`: the simulator alone, until Ctrl-C."""

import argparse
import contextlib
import sys
import threading
from collections.abc import Sequence

from app.claude.simulator import Simulator

DEFAULT_PORT = 8_787


def main(arguments: Sequence[str] | None = None, forever: threading.Event | None = None) -> None:
    options = _parsed(arguments)
    simulator = Simulator(options.host, options.port, seconds_per_event=options.seconds_per_event)
    with simulator, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(
            f"A simulated Claude listens on {simulator.base_url} (Ctrl-C ends it). To use it:\n\n"
            f"ANTHROPIC_BASE_URL={simulator.base_url} ANTHROPIC_API_KEY=anything\n"
        )
        sys.stdout.flush()
        (forever or threading.Event()).wait()


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.claude.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--seconds-per-event", type=float, default=0.03)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
