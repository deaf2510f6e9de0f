"""The foundation: users, keys, invitations, sessions, audit, calls and their sums.

The reserved user is the one that the master key acts as.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = {
    "sqlite": (
        (
            "CREATE TRIGGER audit_events_keep BEFORE UPDATE ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit events are only ever added'); END"
        ),
        (
            "CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit events are only ever added'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit events are only ever added'; END $$"
        ),
        (
            "CREATE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE ON audit_events "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        ),
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_user_id", sa.String(length=255), nullable=True),
        sa.Column("actor_role", sa.String(length=32), nullable=True),
        sa.Column("actor_key_id", sa.String(length=36), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("owner_user_id", sa.String(length=255), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.create_index("ix_audit_events_actor", ["actor_user_id", "id"], unique=False)
        batch_op.create_index("ix_audit_events_at", ["at", "id"], unique=False)
        batch_op.create_index("ix_audit_events_object", ["object_type", "object_id", "id"], unique=False)

    op.create_table(
        "tallies",
        sa.Column("noun", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("noun", name=op.f("pk_tallies")),
    )
    op.create_table(
        "throttles",
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_throttles")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_key", sa.String(length=320), nullable=True),
        sa.Column("alias", sa.String(length=255), nullable=True),
        sa.Column("alias_key", sa.String(length=255), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_reserved", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("tpm_limit", sa.BigInteger(), nullable=True),
        sa.Column("rpm_limit", sa.BigInteger(), nullable=True),
        sa.Column("max_parallel_requests", sa.BigInteger(), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_budget", sa.BigInteger(), nullable=True),
        sa.Column("budget_duration", sa.String(length=32), nullable=True),
        sa.Column("budget_reset_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_spend", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_spend", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "role IN ('proxy_admin', 'proxy_admin_viewer', 'internal_user', 'internal_user_viewer')",
            name=op.f("ck_users_role"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("user_id", name=op.f("uq_users_user_id")),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index(
            "ix_users_alias_key", ["alias_key"], unique=False, postgresql_ops={"alias_key": "text_pattern_ops"}
        )
        batch_op.create_index("ix_users_listing", ["deleted_at", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_users_user_id_prefix", ["user_id"], unique=False, postgresql_ops={"user_id": "text_pattern_ops"}
        )
        batch_op.create_index(
            "uq_users_email_key",
            ["email_key"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
            postgresql_ops={"email_key": "text_pattern_ops"},
        )

    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("tail", sa.String(length=4), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("alias", sa.String(length=255), nullable=True),
        sa.Column("alias_key", sa.String(length=255), nullable=True),
        sa.Column("key_type", sa.String(length=16), nullable=False),
        sa.Column("allowed_routes", sa.JSON(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("tpm_limit", sa.BigInteger(), nullable=True),
        sa.Column("rpm_limit", sa.BigInteger(), nullable=True),
        sa.Column("max_parallel_requests", sa.BigInteger(), nullable=True),
        sa.Column("admin_limits", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("blocked_by", sa.String(length=320), nullable=True),
        sa.Column("is_blocked_by_admin", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("creation_token", sa.String(length=64), nullable=True),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_budget", sa.BigInteger(), nullable=True),
        sa.Column("budget_duration", sa.String(length=32), nullable=True),
        sa.Column("budget_reset_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_spend", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_spend", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_api_keys_owner_id_users")),
        sa.ForeignKeyConstraint(["parent_id"], ["api_keys.id"], name=op.f("fk_api_keys_parent_id_api_keys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("token", name=op.f("uq_api_keys_token")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(
            "ix_api_keys_alias_key", ["alias_key"], unique=False, postgresql_ops={"alias_key": "text_pattern_ops"}
        )
        batch_op.create_index("ix_api_keys_listing", ["deleted_at", "created_at", "id"], unique=False)
        batch_op.create_index("ix_api_keys_owner", ["owner_id", "deleted_at", "created_at", "id"], unique=False)
        batch_op.create_index(
            "uq_api_keys_alias",
            ["owner_id", "alias"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index("uq_api_keys_creation_token", ["owner_id", "creation_token"], unique=True)

    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_pk", sa.String(length=36), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_by_name", sa.String(length=320), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_invitations_user_pk_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitations_secret_hash")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index("ix_invitations_user", ["user_pk", "created_at"], unique=False)
        batch_op.create_index(
            "uq_invitations_one_open",
            ["user_pk"],
            unique=True,
            sqlite_where=sa.text("accepted_at IS NULL AND ended_at IS NULL"),
            postgresql_where=sa.text("accepted_at IS NULL AND ended_at IS NULL"),
        )

    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("user_pk", sa.String(length=36), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_sessions_user_pk_users")),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_expiry", ["expires_at"], unique=False)
        batch_op.create_index("ix_sessions_user", ["user_pk"], unique=False)

    op.create_table(
        "calls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("request_id", sa.String(length=255), nullable=False),
        sa.Column("user_pk", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("is_failed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_calls_key_id_api_keys")),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_calls_user_pk_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("request_id", name=op.f("uq_calls_request_id")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index("ix_calls_key", ["key_id", "started_at"], unique=False)
        batch_op.create_index("ix_calls_user", ["user_pk", "started_at"], unique=False)

    op.create_table(
        "daily_spend",
        sa.Column("user_pk", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("spend", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("failed_requests", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_daily_spend_key_id_api_keys")),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_daily_spend_user_pk_users")),
        sa.PrimaryKeyConstraint("user_pk", "day", "key_id", "model", name=op.f("pk_daily_spend")),
    )
    with op.batch_alter_table("daily_spend", schema=None) as batch_op:
        batch_op.create_index("ix_daily_spend_day", ["day"], unique=False)
        batch_op.create_index("ix_daily_spend_key", ["key_id", "day"], unique=False)

    op.bulk_insert(
        sa.table("tallies", sa.column("noun"), sa.column("amount")),
        [{"noun": noun, "amount": 0} for noun in ("users", "keys")],
    )
    _insert_reserved_user()
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _insert_reserved_user() -> None:
    """Add the row of the master key, which invitations and keys refer to."""
    moment = datetime.now(UTC)
    columns = (
        "id",
        "user_id",
        "alias",
        "alias_key",
        "role",
        "is_reserved",
        "created_at",
        "updated_at",
        "models",
        "metadata",
    )
    timestamps = {"created_at", "updated_at"}
    types = {name: sa.DateTime(timezone=True) for name in timestamps} | {
        name: sa.JSON() for name in ("models", "metadata")
    }
    table = sa.table(
        "users",
        *(sa.column(name, types.get(name, sa.Boolean() if name == "is_reserved" else sa.String())) for name in columns),
    )
    row = (
        "00000000-0000-4000-8000-000000000000",
        "default_user_id",
        "Master key",
        "master key",
        "proxy_admin",
        True,
        moment,
        moment,
        [],
        {},
    )
    op.bulk_insert(table, [dict(zip(columns, row, strict=True))])


def downgrade() -> None:
    with op.batch_alter_table("daily_spend", schema=None) as batch_op:
        batch_op.drop_index("ix_daily_spend_key")
        batch_op.drop_index("ix_daily_spend_day")

    op.drop_table("daily_spend")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_index("ix_calls_user")
        batch_op.drop_index("ix_calls_key")

    op.drop_table("calls")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_sessions_user")
        batch_op.drop_index("ix_sessions_expiry")

    op.drop_table("sessions")
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_invitations_one_open",
            sqlite_where=sa.text("accepted_at IS NULL AND ended_at IS NULL"),
            postgresql_where=sa.text("accepted_at IS NULL AND ended_at IS NULL"),
        )
        batch_op.drop_index("ix_invitations_user")

    op.drop_table("invitations")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index("uq_api_keys_creation_token")
        batch_op.drop_index(
            "uq_api_keys_alias",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_api_keys_owner")
        batch_op.drop_index("ix_api_keys_listing")
        batch_op.drop_index("ix_api_keys_alias_key", postgresql_ops={"alias_key": "text_pattern_ops"})

    op.drop_table("api_keys")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_users_email_key",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
            postgresql_ops={"email_key": "text_pattern_ops"},
        )
        batch_op.drop_index("ix_users_user_id_prefix", postgresql_ops={"user_id": "text_pattern_ops"})
        batch_op.drop_index("ix_users_listing")
        batch_op.drop_index("ix_users_alias_key", postgresql_ops={"alias_key": "text_pattern_ops"})

    op.drop_table("users")
    op.drop_table("throttles")
    op.drop_table("tallies")
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_events_object")
        batch_op.drop_index("ix_audit_events_at")
        batch_op.drop_index("ix_audit_events_actor")

    op.drop_table("audit_events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
