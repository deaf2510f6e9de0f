"""Links that let somebody who has a password set another one."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import UtcDateTime
from selfserve.extensions import Base
from selfserve.models.traits import LinkStatus, status_of_link

LIFETIME = timedelta(hours=1)


class ResetLink(Base):
    """One link, one use. What opens it is stored as SHA-256 only; `id` is the row's own."""

    __tablename__ = "reset_links"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_pk: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    created_by: Mapped[str | None] = mapped_column(String(255), doc="The admin who made it; None: the person asked.")
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, doc="Replaced by a newer one, revoked or ended with its user."
    )

    __table_args__ = (
        Index("ix_reset_links_user", "user_pk", "created_at"),
        Index("ix_reset_links_expiry", "expires_at"),
    )

    @property
    def status(self) -> LinkStatus:
        """What became of it."""
        return status_of_link(self.used_at, self.ended_at, self.expires_at)
