"""Counts that are kept, because counting a million rows takes longer than showing fifty."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.extensions import Base


class Tally(Base):
    """How many there are of a noun, changed in the transaction that adds or removes one."""

    __tablename__ = "tallies"

    noun: Mapped[str] = mapped_column(String(32), primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
