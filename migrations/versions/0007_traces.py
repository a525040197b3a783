"""Traces of turns, and the calls of tools in them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    owners = {"message_id": "messages", "session_id": "sessions", "user_id": "users"}
    op.create_table(
        "traces",
        sa.Column("id", sa.String(40), nullable=False),
        *(sa.Column(name, sa.String(40), nullable=False) for name in owners),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ms", sa.Double, nullable=False),
        sa.Column("spans", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
        sa.UniqueConstraint("message_id", name="uq_traces_message_id"),
        *(_owned("traces", name, table) for name, table in owners.items()),
    )
    op.create_index("ix_traces_session_id", "traces", ["session_id"])
    op.create_index("ix_traces_user_id_id_status_ms", "traces", ["user_id", "id", "status", "ms"])
    op.create_table(
        "trace_calls",
        sa.Column("trace", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("tool", sa.String(200), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("ms", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("trace", "number", name="pk_trace_calls"),
        _owned("trace_calls", "trace", "traces"),
        _owned("trace_calls", "user_id", "users"),
    )
    columns = ["user_id", "tool", "trace", "status", "ms"]
    op.create_index("ix_trace_calls_user_id_tool_trace_status_ms", "trace_calls", columns)


def downgrade() -> None:
    op.drop_table("trace_calls")
    op.drop_table("traces")


def _owned(table: str, name: str, by: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{by}.id"], name=f"fk_{table}_{name}_{by}", ondelete="CASCADE")
