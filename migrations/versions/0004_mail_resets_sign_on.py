"""Mail that waits to be sent, password resets, single sign-on."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NEW = ("mails", "leases", "reset_links", "sso_logins", "cli_logins")


def _make_mails() -> None:
    """Make the table of messages that wait."""
    op.create_table(
        "mails",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("user_pk", sa.String(length=36), nullable=True),
        sa.Column("subject_id", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("once", sa.String(length=160), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_mails_user_pk_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("once", name=op.f("uq_mails_once")),
    )
    is_pending = sa.text("state = 'pending'")
    op.create_index(
        "ix_mails_pending", "mails", ["next_attempt_at", "id"], sqlite_where=is_pending, postgresql_where=is_pending
    )
    op.create_index("ix_mails_subject", "mails", ["subject_id", "id"])
    op.create_index("ix_mails_user", "mails", ["user_pk", "id"])


def _make_links() -> None:
    """Make the tables of links and of sign-ins on their way."""
    op.create_table(
        "reset_links",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_pk", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_reset_links_user_pk_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_links")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_reset_links_secret_hash")),
    )
    op.create_index("ix_reset_links_user", "reset_links", ["user_pk", "created_at"])
    op.create_index("ix_reset_links_expiry", "reset_links", ["expires_at"])
    op.create_table(
        "sso_logins",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("next_path", sa.String(length=500), nullable=True),
        sa.Column("session_hash", sa.String(length=64), nullable=True),
        sa.Column("user_pk", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sso_logins")),
    )
    op.create_index("ix_sso_logins_expiry", "sso_logins", ["expires_at"])
    op.create_table(
        "cli_logins",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("poll_hash", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("user_pk", sa.String(length=36), nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_pk"], ["users.id"], name=op.f("fk_cli_logins_user_pk_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cli_logins")),
    )
    op.create_index("ix_cli_logins_expiry", "cli_logins", ["expires_at"])


def upgrade() -> None:
    _make_mails()
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    _make_links()
    op.add_column("users", sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in ("sso_issuer", "sso_subject"):
        op.add_column("users", sa.Column(name, sa.String(length=255), nullable=True))
    op.add_column("users", sa.Column("sso_linked_at", sa.DateTime(timezone=True), nullable=True))
    is_bound = sa.text("deleted_at IS NULL AND sso_subject IS NOT NULL")
    op.create_index(
        "uq_users_sso", "users", ["sso_issuer", "sso_subject"], unique=True,
        sqlite_where=is_bound, postgresql_where=is_bound,
    )  # fmt: skip
    op.add_column("sessions", sa.Column("method", sa.String(length=16), server_default="password", nullable=False))
    op.add_column("sessions", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("proved_at", "method"):
        op.drop_column("sessions", name)
    op.drop_index("uq_users_sso", "users")
    for name in ("sso_linked_at", "sso_subject", "sso_issuer", "must_change_password"):
        op.drop_column("users", name)
    for table in reversed(_NEW):
        op.drop_table(table)
