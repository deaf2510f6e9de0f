"""Who does what only one process may do at a time."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.database import UtcDateTime
from selfserve.extensions import Base


class Lease(Base):
    """A job held by one process until `expires_at`; one that died lets go of it by that."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
