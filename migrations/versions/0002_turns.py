"""The log of each turn, idempotency keys, cancelling, and what was repaired on the way to an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "turn_events",
        sa.Column("message_id", sa.String(40), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "first", name="pk_turn_events"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_turn_events_message_id_messages", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_turn_events_written_at", "turn_events", ["written_at"])
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("route", sa.String(300), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("user_message_id", sa.String(40)),
        sa.Column("message_id", sa.String(40)),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_idempotency_keys_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.add_column("messages", sa.Column("repairs", sa.Text))
    op.add_column("turns", sa.Column("request_id", sa.String(128), nullable=False, server_default=""))
    op.add_column("turns", sa.Column("cancelled", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    # SQLite drops a column without copying the table, which would lose its triggers.
    op.drop_column("turns", "cancelled")
    op.drop_column("turns", "request_id")
    op.drop_column("messages", "repairs")
    op.drop_table("idempotency_keys")
    op.drop_table("turn_events")
