"""Users, keys, sessions, messages, running turns, and the full-text index."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TIME = sa.DateTime(timezone=True)
SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE message_index USING fts5(session_id, user_id, body, tokenize='porter unicode61')",
    "CREATE TRIGGER messages_leave_index AFTER DELETE ON messages BEGIN "
    "DELETE FROM message_index WHERE rowid = old.number; END",
)
# PostgreSQL's parser would take <b>, a/b and a.b for one token each and lose the words in them.
PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^`{|}~"
WORDS = f"translate(body, '{PUNCTUATION}', '{' ' * len(PUNCTUATION)}')"
POSTGRESQL_INDEX = (
    "CREATE TABLE message_index ("
    "number BIGINT CONSTRAINT pk_message_index PRIMARY KEY "
    "CONSTRAINT fk_message_index_number_messages REFERENCES messages (number) ON DELETE CASCADE, "
    "user_id VARCHAR(40) NOT NULL, session_id VARCHAR(40) NOT NULL, body TEXT NOT NULL, "
    f"words TSVECTOR GENERATED ALWAYS AS (to_tsvector('english', {WORDS})) STORED)",
    "CREATE INDEX ix_message_index_words ON message_index USING gin (words)",
    "CREATE INDEX ix_message_index_user_id_session_id ON message_index (user_id, session_id)",
)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("prefix", sa.String(12), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])
    op.create_index("ix_api_keys_prefix", "api_keys", ["prefix"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("title", sa.String(500)),
        sa.Column("model", sa.String(200)),
        sa.Column("system", sa.Text),
        sa.Column("max_tokens", sa.Integer),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.Column("head_id", sa.String(40)),
        sa.Column("messages", sa.Integer, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in USAGE),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_user_id_id", "sessions", ["user_id", "id"])
    create_messages()
    create_turns()
    for statement in SQLITE_INDEX if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_INDEX:
        op.execute(sa.text(statement.replace(":", "\\:")))


USAGE = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)


def create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("number", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("parent_id", sa.String(40)),
        sa.Column("branch_id", sa.String(40), nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("model", sa.String(200)),
        sa.Column("stop_reason", sa.String(64)),
        sa.Column("problem", sa.Text),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("bound_to", sa.String(64)),
        *(sa.Column(name, sa.Integer) for name in USAGE),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_messages"),
        sa.UniqueConstraint("id", name="uq_messages_id"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_messages_session_id_sessions", ondelete="CASCADE"
        ),
        # No cascade: SQLite would nest one level for each message, and it stops at 1,000.
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["messages.id"],
            name="fk_messages_parent_id_messages",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_messages_branch_id_depth", "messages", ["branch_id", "depth"], unique=True)
    op.create_index("ix_messages_session_id_number", "messages", ["session_id", "number"])
    op.create_index("ix_messages_parent_id", "messages", ["parent_id"])


def create_turns() -> None:
    op.create_table(
        "turns",
        sa.Column("message_id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("leased_until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_turns"),
        sa.UniqueConstraint("session_id", name="uq_turns_session_id"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_turns_message_id_messages", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_turns_session_id_sessions", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_turns_leased_until", "turns", ["leased_until"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER messages_leave_index")
    for table in ("message_index", "turns", "messages", "sessions", "api_keys", "users"):
        op.execute(f"DROP TABLE {table}")
