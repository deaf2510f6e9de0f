"""The audit log: what is looked for is found by an index; what is 30 days old may be removed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BY_ID = {
    "ix_audit_events_actor": ["actor_user_id", "id"],
    "ix_audit_events_owner": ["owner_user_id", "id"],
    "ix_audit_events_object": ["object_type", "object_id", "id"],
}
"""Indexes of before."""
_BY_TIME = {
    "ix_audit_events_actor": ["actor_user_id", "at", "id"],
    "ix_audit_events_owner": ["owner_user_id", "at", "id"],
    "ix_audit_events_object": ["object_type", "object_id", "at", "id"],
    "ix_audit_events_kind": ["object_type", "at", "id"],
    "ix_audit_events_action": ["action", "at", "id"],
    "ix_audit_events_source": ["source", "at", "id"],
    "ix_audit_events_address": ["address", "at", "id"],
    "ix_audit_events_request": ["request_id", "at", "id"],
}
_FLAGS = {"is_refused": "ix_audit_events_refused", "is_role_change": "ix_audit_events_roles"}
"""What is seldom true and often looked for, with the index of those rows."""
_OF_BEFORE = {
    "sqlite": (
        "UPDATE audit_events SET is_refused = 1 WHERE action = 'login.failed'",
        (
            "UPDATE audit_events SET is_role_change = 1 WHERE action = 'user.updated' "
            "AND json_extract(before, '$.role') <> json_extract(after, '$.role')"
        ),
    ),
    "postgresql": (
        "UPDATE audit_events SET is_refused = true WHERE action = 'login.failed'",
        (
            "UPDATE audit_events SET is_role_change = true WHERE action = 'user.updated' "
            "AND before->>'role' <> after->>'role'"
        ),
    ),
}
_REFUSAL = "audit events are only ever added"
_OPEN = {
    "sqlite": ("DROP TRIGGER audit_events_keep", "DROP TRIGGER audit_events_stay"),
    "postgresql": ("DROP TRIGGER audit_events_keep ON audit_events",),
}
_NO_CHANGE = {
    "sqlite": (
        (
            "CREATE TRIGGER audit_events_keep BEFORE UPDATE ON audit_events "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE ON audit_events "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        ),
    ),
}
_STAY_30_DAYS = {
    "sqlite": (
        (
            "CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events "
            "WHEN OLD.at > strftime('%Y-%m-%d %H:%M:%S', 'now', '-30 days') "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}, and stay for 30 days'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF TG_OP = 'DELETE' AND OLD.at <= now() - interval '30 days' THEN RETURN OLD; END IF; "
            f"RAISE EXCEPTION '{_REFUSAL}, and stay for 30 days'; END $$"
        ),
    ),
}
_STAY = {
    "sqlite": (
        (
            "CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
        ),
    ),
}


def _run(*statements: dict[str, tuple[str, ...]]) -> None:
    """Run what this database understands."""
    for each in statements:
        for statement in each[op.get_bind().dialect.name]:
            op.execute(statement)


def upgrade() -> None:
    _run(_OPEN)
    for name, index in _FLAGS.items():
        op.add_column("audit_events", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
        where = {"sqlite_where": sa.text(f"{name} IS 1"), "postgresql_where": sa.text(f"{name} IS true")}
        op.create_index(index, "audit_events", ["at", "id"], **where)
    _run(_OF_BEFORE, _STAY_30_DAYS, _NO_CHANGE)
    for index in _BY_ID:
        op.drop_index(index, "audit_events")
    for index, columns in _BY_TIME.items():
        op.create_index(index, "audit_events", columns)
    was_deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_users_email_before", "users", ["email_key"], postgresql_ops={"email_key": "text_pattern_ops"},
        sqlite_where=was_deleted, postgresql_where=was_deleted,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_users_email_before", "users")
    for index in _BY_TIME:
        op.drop_index(index, "audit_events")
    for index, columns in _BY_ID.items():
        op.create_index(index, "audit_events", columns)
    _run(_OPEN)
    for name, index in _FLAGS.items():
        op.drop_index(index, "audit_events")
        op.drop_column("audit_events", name)
    _run(_STAY, _NO_CHANGE)
