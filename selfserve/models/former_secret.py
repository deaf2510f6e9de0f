"""A secret that a key had before it was rotated."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import UtcDateTime
from selfserve.extensions import Base


class FormerSecret(Base):
    """One earlier secret of a key, by its hash: it works until its grace ends and is remembered afterwards."""

    __tablename__ = "former_secrets"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    prefix: Mapped[str] = mapped_column(String(8))
    tail: Mapped[str] = mapped_column(String(4))
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_address: Mapped[str | None] = mapped_column(String(64))
    last_agent: Mapped[str | None] = mapped_column(String(255))
    rotated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_former_secrets_key", "key_id", "rotated_at"),)
