"""The context engine: sizes, plans and pins of messages, settings of sessions, summaries, calls nobody typed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
USAGE = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)


def upgrade() -> None:
    op.add_column("sessions", sa.Column("context", sa.Text))
    op.add_column("messages", sa.Column("estimated_tokens", sa.Integer))
    op.add_column("messages", sa.Column("tokens", sa.Integer))
    op.add_column("messages", sa.Column("tokens_model", sa.String(200)))
    op.add_column("messages", sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("messages", sa.Column("context", sa.Text))
    op.add_column("messages", sa.Column("recalled", sa.Text))
    op.add_column("messages", sa.Column("context_state", sa.Text))
    is_pinned = sa.text("pinned")
    op.create_index(
        "ix_messages_pinned", "messages", ["session_id", "depth"], sqlite_where=is_pinned, postgresql_where=is_pinned
    )
    op.create_table(
        "summaries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("upto_id", sa.String(40), nullable=False),
        sa.Column("upto_depth", sa.Integer, nullable=False),
        sa.Column("previous_id", sa.String(40)),
        sa.Column("covered_ids", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("due", sa.Boolean, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_summaries"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_summaries_session_id_sessions", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upto_id"], ["messages.id"], name="fk_summaries_upto_id_messages", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_summaries_session_id", "summaries", ["session_id"])
    op.create_index("ix_summaries_upto_id", "summaries", ["upto_id"])
    op.create_table(
        "calls",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40)),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error", sa.String(64)),
        *(sa.Column(name, sa.Integer) for name in USAGE),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_calls_user_id_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_calls_session_id_sessions", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_calls_session_id_created_at", "calls", ["session_id", "created_at"])
    op.create_index("ix_calls_user_id_digest", "calls", ["user_id", "digest"])


def downgrade() -> None:
    op.drop_table("calls")
    op.drop_table("summaries")
    op.drop_index("ix_messages_pinned", "messages")
    for name in ("context_state", "recalled", "context", "pinned", "tokens_model", "tokens", "estimated_tokens"):
        op.drop_column("messages", name)
    op.drop_column("sessions", "context")
