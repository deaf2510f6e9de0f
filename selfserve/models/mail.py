"""Messages that wait to be sent: written in the transaction of the deed that they tell of."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import RowNumber, UtcDateTime, only_where
from selfserve.extensions import Base


class MailState(StrEnum):
    """What became of a message."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Mail(Base):
    """One message to a person or the webhook. What a link in it opens is kept encrypted, only until it went."""

    __tablename__ = "mails"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(16), default="mail")
    recipient: Mapped[str] = mapped_column(String(320), default="")
    user_pk: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    subject_id: Mapped[str | None] = mapped_column(String(64), doc="Row id of the key, link or user that it is about.")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="What it tells; never a secret.")
    sealed: Mapped[str | None] = mapped_column(Text, doc="What its link opens, encrypted; gone when it was sent.")
    once: Mapped[str | None] = mapped_column(String(160), unique=True, doc="Names what is told once only.")
    state: Mapped[str] = mapped_column(String(16), default=MailState.PENDING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    error: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def is_untried(self) -> bool:
        """Whether nothing became of it yet."""
        return self.state == MailState.PENDING.value and self.error is None

    __table_args__ = (
        Index("ix_mails_pending", "next_attempt_at", "id", **only_where("state = 'pending'")),
        Index("ix_mails_subject", "subject_id", "id"),
        Index("ix_mails_user", "user_pk", "id"),
    )
