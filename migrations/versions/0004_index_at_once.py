"""PostgreSQL's full-text index takes words in at once: a list of pending ones would be read by every search."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _set_fastupdate("off")


def downgrade() -> None:
    _set_fastupdate("on")


def _set_fastupdate(value: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX ix_message_index_words SET (fastupdate = {value})")
        op.execute("SELECT gin_clean_pending_list('ix_message_index_words')")
