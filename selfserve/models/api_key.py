"""A key: what opens the models, owned by one person."""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from selfserve.clock import now
from selfserve.database import UtcDateTime, living, only_where
from selfserve.extensions import Base
from selfserve.minting import KEY_PREFIX
from selfserve.models.budget import Budgeted
from selfserve.models.traits import Aliased, Edited, Limited
from selfserve.models.user import User

EXPIRING_DAYS = 14


class KeyStatus(StrEnum):
    """What a key can do right now; `expiring` still works."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    BLOCKED = "blocked"
    OVER_BUDGET = "over_budget"


class ApiKey(Aliased, Limited, Budgeted, Edited, Base):
    """One key. Its secret is known only by its hash; id, alias, spend and history outlive a change of secret."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    token: Mapped[str] = mapped_column(String(64), unique=True, doc="SHA-256 of the secret, in hex.")
    prefix: Mapped[str] = mapped_column(String(8))
    tail: Mapped[str] = mapped_column(String(4))
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    key_type: Mapped[str] = mapped_column(String(16), default="default")
    allowed_routes: Mapped[list[str]] = mapped_column(JSON, default=list)
    admin_limits: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, doc="Limits set with wider reach than the owner's."
    )
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSON, default=dict)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_blocked: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    blocked_by: Mapped[str | None] = mapped_column(String(320), doc="Who blocked it, in the words of the page.")
    is_blocked_by_admin: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    creation_token: Mapped[str | None] = mapped_column(String(64), doc="Makes a form that is sent twice make one key.")
    parent_id: Mapped[str | None] = mapped_column(
        ForeignKey("api_keys.id"), doc="The key that made it, which it never exceeds."
    )
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, doc="By any of its secrets.")
    last_address: Mapped[str | None] = mapped_column(String(64))
    last_agent: Mapped[str | None] = mapped_column(String(255))
    secret_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, doc="By the secret it has now.")
    rotated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    grace_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, doc="When the secret before this one stops.")
    is_grace_until_use: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false(), doc="Whether the grace shrinks when the new secret is used."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[str | None] = mapped_column(String(255))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    updated_by: Mapped[str | None] = mapped_column(String(255))
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_by: Mapped[str | None] = mapped_column(String(255))
    restorable_until: Mapped[datetime | None] = mapped_column(UtcDateTime, doc="Until when a delete can be undone.")

    owner: Mapped[User] = relationship(lazy="raise")

    __table_args__ = (
        Index(
            "uq_api_keys_alias",
            "owner_id",
            "alias",
            unique=True,
            **living(),
        ),
        Index("uq_api_keys_creation_token", "owner_id", "creation_token", unique=True),
        Index("ix_api_keys_owner", "owner_id", "created_at", "id", **living()),
        Index("ix_api_keys_listing", "created_at", "id", **living()),
        Index("ix_api_keys_used", "last_used_at", "id", **living()),
        Index("ix_api_keys_expiry", "expires_at", "id", **living()),
        Index("ix_api_keys_name", "alias_key", "id", **living()),
        Index("ix_api_keys_blocked", "created_at", "id", **living("is_blocked IS true")),
        Index(
            "ix_api_keys_over_budget",
            "created_at",
            "id",
            **living("max_budget IS NOT NULL AND window_spend >= max_budget"),
        ),
        Index("ix_api_keys_restorable", "restorable_until", **only_where("restorable_until IS NOT NULL")),
        Index("ix_api_keys_alias_key", "alias_key", postgresql_ops={"alias_key": "text_pattern_ops"}),
    )

    in_the_form = [
        *("expires_at", "max_budget", "soft_budget", "budget_duration"),
        *("models", "rpm_limit", "tpm_limit", "max_parallel_requests"),
    ]

    @property
    def name(self) -> str:
        """What to call it."""
        return self.alias or "Unnamed key"

    @property
    def masked(self) -> str:
        """The key as it is shown after the first time: prefix and last four characters (S-15)."""
        return f"{self.prefix}…{self.tail}"

    @property
    def key_name(self) -> str:
        """The same in the documented form."""
        return f"sk-...{self.tail}"

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now()

    @property
    def is_rotating(self) -> bool:
        """Whether the secret before this one still works."""
        return self.grace_ends_at is not None and self.grace_ends_at > now()

    @property
    def status(self) -> KeyStatus:
        """What it can do right now."""
        if self.is_blocked:
            return KeyStatus.BLOCKED
        if self.is_expired:
            return KeyStatus.EXPIRED
        if self.is_over_budget:
            return KeyStatus.OVER_BUDGET
        if self.expires_at and self.expires_at <= now() + timedelta(days=EXPIRING_DAYS):
            return KeyStatus.EXPIRING
        return KeyStatus.ACTIVE


def shown_prefix(secret: str) -> str:
    """Give the part of a secret that says what it is and nothing else."""
    return KEY_PREFIX if secret.startswith(KEY_PREFIX) else "sk-"
