"""Calls to models and their sums per day."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.database import RowNumber, UtcDateTime, only_where
from selfserve.extensions import Base

ODD = "is_failed IS true OR exception IS NOT NULL"
"""Calls that somebody may look for among many others."""


class Call(Base):
    """One call that was made with a key; `request_id` makes it count exactly once."""

    __tablename__ = "calls"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    request_id: Mapped[str] = mapped_column(String(255), unique=True)
    user_pk: Mapped[str] = mapped_column(ForeignKey("users.id"))
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    model: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cost: Mapped[int] = mapped_column(BigInteger, doc="Nano-dollars.")
    prompt_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    completion_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    cached_tokens: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0", doc="Of the prompt's.")
    is_failed: Mapped[bool] = mapped_column(Boolean, default=False)
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(255))
    provider: Mapped[str | None] = mapped_column(String(64), doc="The name of the upstream.")
    status: Mapped[int | None] = mapped_column(Integer)
    latency_ms: Mapped[int | None] = mapped_column(Integer, doc="From when it was let in to its last byte.")
    exception: Mapped[str | None] = mapped_column(String(32), doc="Why the cost is not what the price says, if so.")

    __table_args__ = (
        Index("ix_calls_user", "user_pk", "started_at"),
        Index("ix_calls_key", "key_id", "started_at"),
        Index("ix_calls_started", "started_at", "id"),
        Index("ix_calls_odd", "key_id", "started_at", **only_where(ODD)),
    )


class DailySpend(Base):
    """The sums of one user's calls with one key and one model on one day (UTC)."""

    __tablename__ = "daily_spend"

    user_pk: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    model: Mapped[str] = mapped_column(String(255), primary_key=True)
    spend: Mapped[int] = mapped_column(BigInteger, default=0)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    completion_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    cached_tokens: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    requests: Mapped[int] = mapped_column(Integer, default=0)
    failed_requests: Mapped[int] = mapped_column(Integer, default=0)
    unpriced_requests: Mapped[int] = mapped_column(Integer, default=0, server_default="0", doc="Of unknown cost.")

    __table_args__ = (
        Index("ix_daily_spend_day", "day", "model"),
        Index("ix_daily_spend_key", "key_id", "day"),
        Index("ix_daily_spend_unpriced", "day", "model", **only_where("unpriced_requests > 0")),
    )
