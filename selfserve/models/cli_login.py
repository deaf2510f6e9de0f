"""Sign-ins of a program on somebody's machine, confirmed in their browser."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import UtcDateTime
from selfserve.extensions import Base


class CliLogin(Base):
    """One attempt of a program to get a key; its secrets are stored as SHA-256 only."""

    __tablename__ = "cli_logins"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    poll_hash: Mapped[str] = mapped_column(String(64), doc="Of what the program polls with.")
    code_hash: Mapped[str] = mapped_column(String(64), doc="Of what the person types in their browser.")
    user_pk: Mapped[str | None] = mapped_column(ForeignKey("users.id"), doc="Who confirmed it.")
    wrong_codes: Mapped[int] = mapped_column(Integer, default=0)
    address: Mapped[str | None] = mapped_column(String(64))
    device: Mapped[str | None] = mapped_column(String(64), doc="What the program calls itself.")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_cli_logins_expiry", "expires_at"),)
