"""Runs the migrations against the app's database, over one connection."""

from alembic import context
from flask import current_app

from app.models.base import Model


def run() -> None:
    """Migrate the database of the app at work."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            render_as_batch=engine.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()


run()
