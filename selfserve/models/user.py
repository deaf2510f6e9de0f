"""A person (or the reserved row of the master key)."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column, validates

from selfserve.addresses import comparable
from selfserve.clock import now
from selfserve.database import UtcDateTime, living, only_where
from selfserve.extensions import Base
from selfserve.models.budget import Budgeted
from selfserve.models.traits import Aliased, Edited, Limited
from selfserve.permissions import Role
from selfserve.ways_in import passwords_are_off


class UserStatus(StrEnum):
    """Where a person stands: `invited` means that they have no way to sign in yet."""

    ACTIVE = "active"
    INVITED = "invited"
    BLOCKED = "blocked"


class User(Aliased, Limited, Budgeted, Edited, Base):
    """Somebody who signs in, owns keys and has spend."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    user_id: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320), doc="The address as it is compared: NFKC, case folded.")
    role: Mapped[str] = mapped_column(String(32))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    sso_issuer: Mapped[str | None] = mapped_column(String(255), doc="Who vouches for them (S-22) ...")
    sso_subject: Mapped[str | None] = mapped_column(String(255), doc="... and under which name there.")
    sso_linked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_reserved: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    is_blocked: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSON, default=dict)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[str | None] = mapped_column(String(255))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint(f"role IN ({', '.join(repr(role.value) for role in Role)})", name="role"),
        Index(
            "uq_users_email_key",
            "email_key",
            unique=True,
            **living(),
            postgresql_ops={"email_key": "text_pattern_ops"},
        ),
        Index(
            "ix_users_email_before",
            "email_key",
            postgresql_ops={"email_key": "text_pattern_ops"},
            **only_where("deleted_at IS NOT NULL"),
        ),
        Index("uq_users_sso", "sso_issuer", "sso_subject", unique=True, **living("sso_subject IS NOT NULL")),
        Index("ix_users_listing", "created_at", "id", **living()),
        Index("ix_users_seen", "last_login_at", "id", **living()),
        Index("ix_users_name", "alias_key", "id", **living()),
        Index("ix_users_blocked", "created_at", "id", **living("is_blocked IS true")),
        Index("ix_users_invited", "created_at", "id", **living("password_hash IS NULL AND is_blocked IS false")),
        Index("ix_users_alias_key", "alias_key", postgresql_ops={"alias_key": "text_pattern_ops"}),
        Index("ix_users_user_id_prefix", "user_id", postgresql_ops={"user_id": "text_pattern_ops"}),
    )

    in_the_form = [
        *("alias", "email", "role", "max_budget", "soft_budget", "budget_duration"),
        *("models", "rpm_limit", "tpm_limit", "max_parallel_requests", "must_change_password"),
    ]

    @validates("email")
    def _keep_email_key(self, _: str, email: str | None) -> str | None:
        """Keep the comparable form beside the address."""
        self.email_key = comparable(email) if email else None
        return email

    @property
    def name(self) -> str:
        """What to call them."""
        return self.alias or self.email or self.user_id

    @property
    def has_password(self) -> bool:
        """Whether they ever set a password."""
        return self.password_hash is not None

    def set_password(self, password_hash: str) -> None:
        """Take a password that they chose themselves."""
        self.password_hash, self.password_changed_at = password_hash, now()
        self.must_change_password = False

    def bind(self, issuer: str | None, subject: str | None) -> None:
        """Let a provider vouch for them from now on, or none any more."""
        self.sso_issuer, self.sso_subject = issuer, subject
        self.sso_linked_at = now() if subject else None

    @property
    def is_bound(self) -> bool:
        """Whether an identity provider vouches for them."""
        return self.sso_subject is not None

    @property
    def can_sign_in(self) -> bool:
        """Whether they have a way in: a provider, or a password where passwords are one."""
        return self.is_bound or (self.has_password and not passwords_are_off())

    @property
    def status(self) -> UserStatus:
        """Blocked, invited (no way to sign in yet) or active."""
        if self.is_blocked:
            return UserStatus.BLOCKED
        return UserStatus.ACTIVE if self.can_sign_in else UserStatus.INVITED
