"""Settings: one blueprint of pages in three rooms, so that none grows long."""

from selfserve.blueprints.settings import mail, prices

__all__ = ["mail", "prices"]
