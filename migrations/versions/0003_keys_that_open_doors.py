"""Keys that open doors: calls on their way, limits per minute, prices, soft budgets, what a call tells."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _of_calls() -> list[sa.Column]:
    """What calls gets."""
    return [
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("exception", sa.String(length=32), nullable=True),
    ]


def _make_open_calls() -> None:
    """Make the table of calls on their way."""
    op.create_table(
        "open_calls",
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("user_pk", sa.String(length=36), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_open_calls_key_id_api_keys")),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_open_calls_user_pk_users")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_open_calls")),
    )
    op.create_index("ix_open_calls_user", "open_calls", ["user_pk", "key_id"])
    op.create_index("ix_open_calls_lapses", "open_calls", ["lapses_at"])


def upgrade() -> None:
    _make_open_calls()
    op.create_table(
        "rate_windows",
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_rate_windows")),
    )
    op.create_table(
        "model_prices",
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("prompt", sa.String(length=40), nullable=False),
        sa.Column("completion", sa.String(length=40), nullable=False),
        sa.Column("cached", sa.String(length=40), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_model_prices")),
    )
    for column in _of_calls():
        op.add_column("calls", column)
    op.create_index(
        "ix_calls_odd",
        "calls",
        ["key_id", "started_at"],
        sqlite_where=sa.text("is_failed IS 1 OR exception IS NOT NULL"),
        postgresql_where=sa.text("is_failed IS true OR exception IS NOT NULL"),
    )
    op.add_column("daily_spend", sa.Column("unpriced_requests", sa.Integer(), server_default="0", nullable=False))
    of_unknown_cost = sa.text("unpriced_requests > 0")
    op.create_index(
        "ix_daily_spend_unpriced",
        "daily_spend",
        ["day", "model"],
        sqlite_where=of_unknown_cost,
        postgresql_where=of_unknown_cost,
    )
    for table in ("users", "api_keys"):
        op.add_column(table, sa.Column("soft_budget", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for table in ("users", "api_keys"):
        op.drop_column(table, "soft_budget")
    op.drop_index("ix_daily_spend_unpriced", "daily_spend")
    op.drop_column("daily_spend", "unpriced_requests")
    op.drop_index("ix_calls_odd", "calls")
    for column in _of_calls():
        op.drop_column("calls", column.name)
    for table in ("model_prices", "rate_windows", "open_calls"):
        op.drop_table(table)
