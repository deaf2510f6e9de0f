"""The flow in depth: rotation with a grace, undo of a delete, who uses a key, cached tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_LISTED = ["created_at", "id"]
_LIVING = "deleted_at IS NULL"
_IN_PART = {
    "ix_users_listing": ("users", _LISTED, _LIVING),
    "ix_users_seen": ("users", ["last_login_at", "id"], _LIVING),
    "ix_users_name": ("users", ["alias_key", "id"], _LIVING),
    "ix_users_blocked": ("users", _LISTED, f"{_LIVING} AND is_blocked IS true"),
    "ix_users_invited": ("users", _LISTED, f"{_LIVING} AND password_hash IS NULL AND is_blocked IS false"),
    "ix_api_keys_owner": ("api_keys", ["owner_id", *_LISTED], _LIVING),
    "ix_api_keys_listing": ("api_keys", _LISTED, _LIVING),
    "ix_api_keys_used": ("api_keys", ["last_used_at", "id"], _LIVING),
    "ix_api_keys_expiry": ("api_keys", ["expires_at", "id"], _LIVING),
    "ix_api_keys_name": ("api_keys", ["alias_key", "id"], _LIVING),
    "ix_api_keys_blocked": ("api_keys", _LISTED, f"{_LIVING} AND is_blocked IS true"),
    "ix_api_keys_over_budget": (
        "api_keys",
        _LISTED,
        f"{_LIVING} AND max_budget IS NOT NULL AND window_spend >= max_budget",
    ),
    "ix_api_keys_restorable": ("api_keys", ["restorable_until"], "restorable_until IS NOT NULL"),
}
"""Indexes of the rows that a condition picks out."""
_REPLACED = {
    "ix_users_listing": ("users", ["deleted_at", "created_at", "id"]),
    "ix_api_keys_listing": ("api_keys", ["deleted_at", "created_at", "id"]),
    "ix_api_keys_owner": ("api_keys", ["owner_id", "deleted_at", "created_at", "id"]),
}
"""Those of before, whose order PostgreSQL does not see behind a NULL."""


def _of_keys() -> list[sa.Column]:
    """What api_keys gets."""
    return [
        sa.Column("last_address", sa.String(length=64), nullable=True),
        sa.Column("last_agent", sa.String(length=255), nullable=True),
        sa.Column("secret_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grace_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_grace_until_use", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("deleted_by", sa.String(length=255), nullable=True),
        sa.Column("restorable_until", sa.DateTime(timezone=True), nullable=True),
    ]


def _of_calls() -> list[sa.Column]:
    """What calls gets."""
    return [
        sa.Column("cached_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=255), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "former_secrets",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("tail", sa.String(length=4), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_address", sa.String(length=64), nullable=True),
        sa.Column("last_agent", sa.String(length=255), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_former_secrets_key_id_api_keys")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_former_secrets")),
    )
    op.create_index("ix_former_secrets_key", "former_secrets", ["key_id", "rotated_at"])
    for column in _of_keys():
        op.add_column("api_keys", column)
    for column in _of_calls():
        op.add_column("calls", column)
    op.add_column("daily_spend", sa.Column("cached_tokens", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("ix_calls_started", "calls", ["started_at", "id"])
    op.drop_index("ix_daily_spend_day", "daily_spend")
    op.create_index("ix_daily_spend_day", "daily_spend", ["day", "model"])
    op.create_index("ix_audit_events_owner", "audit_events", ["owner_user_id", "id"])
    for name, (table, _) in _REPLACED.items():
        op.drop_index(name, table)
    for name, (table, columns, condition) in _IN_PART.items():
        in_sqlite = condition.replace("IS true", "IS 1").replace("IS false", "IS 0")
        where = {"sqlite_where": sa.text(in_sqlite), "postgresql_where": sa.text(condition)}
        op.create_index(name, table, columns, **where)
    op.execute("UPDATE api_keys SET secret_used_at = last_used_at")


def downgrade() -> None:
    for name, (table, _, _) in _IN_PART.items():
        op.drop_index(name, table)
    for name, (table, columns) in _REPLACED.items():
        op.create_index(name, table, columns)
    op.drop_index("ix_audit_events_owner", "audit_events")
    op.drop_index("ix_daily_spend_day", "daily_spend")
    op.create_index("ix_daily_spend_day", "daily_spend", ["day"])
    op.drop_index("ix_calls_started", "calls")
    op.drop_column("daily_spend", "cached_tokens")
    for column in _of_calls():
        op.drop_column("calls", column.name)
    for column in _of_keys():
        op.drop_column("api_keys", column.name)
    op.drop_index("ix_former_secrets_key", "former_secrets")
    op.drop_table("former_secrets")
