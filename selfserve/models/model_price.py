"""Prices that an admin set."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import now
from selfserve.database import UtcDateTime
from selfserve.extensions import Base
from selfserve.models.traits import Edited


class ModelPrice(Edited, Base):
    """The price of one model, which wins over the public list; dollars per token as Decimal text."""

    __tablename__ = "model_prices"

    model: Mapped[str] = mapped_column(String(255), primary_key=True)
    prompt: Mapped[str] = mapped_column(String(40))
    completion: Mapped[str] = mapped_column(String(40))
    cached: Mapped[str | None] = mapped_column(String(40), doc="None: as much as other tokens of the prompt.")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    updated_by: Mapped[str | None] = mapped_column(String(255))

    in_the_form = ["prompt", "completion", "cached"]
