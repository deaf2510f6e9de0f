"""Calls that were let in and are not recorded yet."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.database import UtcDateTime
from selfserve.extensions import Base


class OpenCall(Base):
    """One call on its way: what it holds of its budgets, and one of the calls that run at once."""

    __tablename__ = "open_calls"

    request_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    user_pk: Mapped[str] = mapped_column(ForeignKey("users.id"))
    model: Mapped[str] = mapped_column(String(255))
    provider: Mapped[str] = mapped_column(String(64), doc="The name of the upstream.")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lapses_at: Mapped[datetime] = mapped_column(UtcDateTime, doc="When it must be over: then it was cut off.")
    reserved: Mapped[int] = mapped_column(BigInteger, doc="The most it can cost, in nano-dollars.")
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(255))

    __table_args__ = (Index("ix_open_calls_user", "user_pk", "key_id"), Index("ix_open_calls_lapses", "lapses_at"))
