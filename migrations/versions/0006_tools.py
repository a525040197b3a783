"""Tools: what a session allows, the rounds of a turn, and calls that wait for a client."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("tools", sa.Text))
    op.add_column("messages", sa.Column("turn_id", sa.String(40)))
    op.add_column("messages", sa.Column("awaits", sa.Text))
    op.add_column("turns", sa.Column("kept_events", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("turns", "kept_events")
    op.drop_column("messages", "awaits")
    op.drop_column("messages", "turn_id")
    op.drop_column("sessions", "tools")
