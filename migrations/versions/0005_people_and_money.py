"""People and money: keys with scopes and ends, charges, the ledger, budgets, prices, audit log, rate counters."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TOKENS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)
PRICES = (
    "input_nano_usd",
    "cache_read_nano_usd",
    "cache_write_5m_nano_usd",
    "cache_write_1h_nano_usd",
    "output_nano_usd",
    "web_search_nano_usd",
)
APPEND_ONLY = ("ledger_entries", "audit_entries")


def upgrade() -> None:
    op.add_column("users", sa.Column("email", sa.String(320)))
    op.add_column("users", sa.Column("issuer", sa.String(500)))
    op.add_column("users", sa.Column("subject", sa.String(255)))
    op.create_index("ix_users_issuer_subject", "users", ["issuer", "subject"], unique=True)
    op.add_column("api_keys", sa.Column("scopes", sa.Text))
    op.add_column("api_keys", sa.Column("expires_at", TIME))
    op.add_column("api_keys", sa.Column("last_used_at", TIME))
    op.add_column("idempotency_keys", sa.Column("object_id", sa.String(40)))
    op.add_column("calls", sa.Column("holder", sa.String(200)))
    op.add_column("calls", sa.Column("leased_until", TIME))
    op.add_column("messages", sa.Column("upstream_id", sa.String(100)))
    _create_charges()
    _create_ledger()
    _create_budgets()
    op.create_table(
        "model_prices",
        sa.Column("model", sa.String(200), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in PRICES),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_model_prices"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("actor_id", sa.String(40)),
        sa.Column("key_id", sa.String(40)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(200), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(128)),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_table(
        "rate_counters",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_counters"),
    )
    op.create_index("ix_rate_counters_expires_at_ms", "rate_counters", ["expires_at_ms"])
    _guard()


def downgrade() -> None:
    for table in ("rate_counters", "audit_entries", "model_prices", "budgets", "ledger_entries", "charges"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_index("ix_users_issuer_subject", "users")
    for table, names in {
        "messages": ["upstream_id"],
        "calls": ["leased_until", "holder"],
        "idempotency_keys": ["object_id"],
        "api_keys": ["last_used_at", "expires_at", "scopes"],
        "users": ["subject", "issuer", "email"],
    }.items():
        for name in names:
            op.drop_column(table, name)


def _create_charges() -> None:
    op.create_table(
        "charges",
        sa.Column("id", sa.String(40), nullable=False),
        *(sa.Column(name, sa.String(40)) for name in ("user_id", "key_id", "session_id", "message_id", "call_id")),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("price_version", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reserved_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger),
        sa.Column("estimated", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in TOKENS),
        sa.Column("web_searches", sa.Integer),
        sa.Column("speed", sa.String(16)),
        sa.Column("forecast_read_tokens", sa.BigInteger),
        sa.Column("cache_miss_reason", sa.Text),
        sa.Column("steps", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("settled_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_charges"),
        *(
            sa.ForeignKeyConstraint(
                [name], [f"{table}.id"], name=f"fk_charges_{name}_{table}", ondelete="SET NULL"
            )
            for name, table in {
                "user_id": "users",
                "key_id": "api_keys",
                "session_id": "sessions",
                "message_id": "messages",
                "call_id": "calls",
            }.items()
        ),
    )
    op.create_index("ix_charges_user_id_settled_at", "charges", ["user_id", "settled_at"])
    op.create_index("ix_charges_settled_at", "charges", ["settled_at"])
    is_open = sa.text("status = 'open'")
    op.create_index(
        "ix_charges_open", "charges", ["created_at"], sqlite_where=is_open, postgresql_where=is_open
    )
    for name in ("key_id", "session_id", "message_id", "call_id"):
        op.create_index(f"ix_charges_{name}", "charges", [name])


def _create_ledger() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("charge_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("debit", sa.String(16), nullable=False),
        sa.Column("credit", sa.String(16), nullable=False),
        sa.Column("amount_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entries"),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.id"], name="fk_ledger_entries_charge_id_charges"),
    )
    op.create_index("ix_ledger_entries_charge_id", "ledger_entries", ["charge_id"])
    op.create_index("ix_ledger_entries_created_at", "ledger_entries", ["created_at"])


def _create_budgets() -> None:
    owners = {"user_id": "users", "key_id": "api_keys", "session_id": "sessions"}
    op.create_table(
        "budgets",
        sa.Column("scope", sa.String(60), nullable=False),
        *(sa.Column(name, sa.String(40)) for name in owners),
        sa.Column("limit_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("period_started_at", TIME),
        sa.Column("spent_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("reserved_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_budgets"),
        *(
            sa.ForeignKeyConstraint(
                [name], [f"{table}.id"], name=f"fk_budgets_{name}_{table}", ondelete="CASCADE"
            )
            for name, table in owners.items()
        ),
    )
    for name in owners:
        op.create_index(f"ix_budgets_{name}", "budgets", [name])


def _guard() -> None:
    """What is append-only refuses to be changed, whoever asks."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in APPEND_ONLY:
        if is_postgresql:
            op.execute(
                f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_stay_whole BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
            continue
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_stay_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
