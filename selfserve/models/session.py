"""A signed-in browser: a row, so that ending it works everywhere at once."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import UtcDateTime
from selfserve.extensions import Base
from selfserve.minting import fingerprint


class Session(Base):
    """One session, found by the hash of the id that only the browser's cookie holds."""

    __tablename__ = "sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_pk: Mapped[str] = mapped_column(ForeignKey("users.id"))
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(255))
    method: Mapped[str] = mapped_column(
        String(16), default="password", server_default="password", doc="`password`, `link`, `operator` or `sso`."
    )
    proved_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, doc="When its person last proved who they are; null: nobody knows."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def handle(self) -> str:
        """What names it in forms: a hash of its hash, which opens nothing and finds nothing."""
        return fingerprint(self.id_hash)[:24]

    __table_args__ = (Index("ix_sessions_user", "user_pk"), Index("ix_sessions_expiry", "expires_at"))
