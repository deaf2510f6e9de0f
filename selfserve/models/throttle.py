"""Counted failures, shared by all workers."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.database import UtcDateTime
from selfserve.extensions import Base


class Throttle(Base):
    """Failures of one bucket (an address, or an address with an e-mail) in the running window."""

    __tablename__ = "throttles"

    bucket: Mapped[str] = mapped_column(String(64), primary_key=True, doc="SHA-256 of what is counted.")
    failures: Mapped[int] = mapped_column(Integer, default=0)
    window_ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
