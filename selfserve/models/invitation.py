"""An invitation: one person, one link, one use, seven days."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from selfserve.clock import now
from selfserve.database import UtcDateTime
from selfserve.extensions import Base
from selfserve.models.traits import LinkStatus, status_of_link
from selfserve.models.user import User

LIFETIME = timedelta(days=7)
_IS_OPEN = text("accepted_at IS NULL AND ended_at IS NULL")


class Invitation(Base):
    """A link that lets a person set a password once. What opens it is stored as SHA-256 only; `id` is the row's own."""

    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_pk: Mapped[str] = mapped_column(ForeignKey("users.id"))
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, doc="Replaced, revoked or ended with its user.")
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[str] = mapped_column(String(255))
    created_by_name: Mapped[str] = mapped_column(String(320), default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_by: Mapped[str] = mapped_column(String(255))

    user: Mapped[User] = relationship(lazy="raise")

    __table_args__ = (
        Index("uq_invitations_one_open", "user_pk", unique=True, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
        Index("ix_invitations_user", "user_pk", "created_at"),
    )

    @property
    def is_accepted(self) -> bool:
        """Whether a password was set with it."""
        return self.accepted_at is not None

    @property
    def status(self) -> LinkStatus:
        """What became of it."""
        return status_of_link(self.accepted_at, self.ended_at, self.expires_at)
