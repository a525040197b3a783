"""The host of a running answer: who died there is found without reading everybody's turns. At once in any database."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("host", sa.String(200), nullable=False, server_default=""))
    op.create_index("ix_turns_host_holder", "turns", ["host", "holder"])


def downgrade() -> None:
    op.drop_index("ix_turns_host_holder", "turns")
    op.drop_column("turns", "host")
