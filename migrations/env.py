"""Runs the migrations against the app's database: in one transaction, one process at a time."""

from alembic import context
from sqlalchemy import text

from app.extensions import BEGIN, BUSY_TIMEOUT_MS, db
from app.models.base import Model

LOCK = 0x636F6C6C  # any number, the same in every process
LONGEST_WAIT_MS = 60_000


def run() -> None:
    """Migrate the database of the app at work. Who comes while another migrates waits, and finds it done."""
    engine = db.engine
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            connection.connection.execute(f"PRAGMA busy_timeout={LONGEST_WAIT_MS}")
            connection.execution_options(**{BEGIN: "IMMEDIATE"})
        with connection.begin():
            if not is_sqlite:
                connection.execute(text(f"SET LOCAL lock_timeout = {LONGEST_WAIT_MS}"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            context.configure(
                connection=connection, target_metadata=Model.metadata, render_as_batch=is_sqlite
            )
            with context.begin_transaction():
                context.run_migrations()
        if is_sqlite:
            connection.connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


run()
