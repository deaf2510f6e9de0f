"""What a key or a user called in the running minute."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.database import UtcDateTime
from selfserve.extensions import Base


class RateWindow(Base):
    """The requests and tokens of one key or user in the minute that ends at `ends_at`."""

    __tablename__ = "rate_windows"

    subject_id: Mapped[str] = mapped_column(String(36), primary_key=True, doc="The row id of the key or the user.")
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    requests: Mapped[int] = mapped_column(Integer, default=0)
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)
