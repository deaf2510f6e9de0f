"""What was done, by whom, to what: written in the transaction of the deed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import RowNumber, UtcDateTime, only_where
from selfserve.extensions import Base


class AuditEvent(Base):
    """One deed, done or refused. Rows are only ever added, stay for 30 days at least, and hold no secret (S-45)."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    actor_user_id: Mapped[str | None] = mapped_column(String(255))
    actor_role: Mapped[str | None] = mapped_column(String(32))
    actor_key_id: Mapped[str | None] = mapped_column(String(36))
    source: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    object_type: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str | None] = mapped_column(String(255))
    owner_user_id: Mapped[str | None] = mapped_column(String(255))
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    is_refused: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_role_change: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        Index("ix_audit_events_at", "at", "id"),
        Index("ix_audit_events_object", "object_type", "object_id", "at", "id"),
        Index("ix_audit_events_actor", "actor_user_id", "at", "id"),
        Index("ix_audit_events_owner", "owner_user_id", "at", "id"),
        Index("ix_audit_events_kind", "object_type", "at", "id"),
        Index("ix_audit_events_action", "action", "at", "id"),
        Index("ix_audit_events_source", "source", "at", "id"),
        Index("ix_audit_events_address", "address", "at", "id"),
        Index("ix_audit_events_request", "request_id", "at", "id"),
        Index("ix_audit_events_refused", "at", "id", **only_where("is_refused IS true")),
        Index("ix_audit_events_roles", "at", "id", **only_where("is_role_change IS true")),
    )
