"""Sign-ins on their way to an identity provider and back."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import UtcDateTime
from selfserve.extensions import Base


class SsoLogin(Base):
    """One attempt to sign in, shared by all workers, used once; state and browser are stored as SHA-256 only."""

    __tablename__ = "sso_logins"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(String(64), doc="Of what the cookie of the browser that began it holds.")
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128), doc="PKCE, RFC 7636.")
    next_path: Mapped[str | None] = mapped_column(String(500))
    session_hash: Mapped[str | None] = mapped_column(
        String(64), doc="The session that it is about, where nobody is to be signed in."
    )
    user_pk: Mapped[str | None] = mapped_column(
        String(36), doc="Who links their account; nobody who signs in or proves who they are."
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_sso_logins_expiry", "expires_at"),)
